"""The sources of an answer: a footnote for each citation, with its file and, if the run reports it, the passage."""

import re
from collections.abc import Iterable, Mapping

import structlog

from assistants.connector import AssistantsClient, AssistantsError, NotFoundError
from assistants.contract import (
    SEARCH_CONTENT,
    FileCitation,
    FileSearchCall,
    FileSearchResult,
    Message,
    TextContent,
    ToolCalls,
)
from bot.segments import Source
from bot.words.citations import cited, said_with
from bot.words.quotes import quote

_PLACE = re.compile(r":(\d+)")

log = structlog.get_logger()


def citations_in(messages: Iterable[Message]) -> dict[str, str]:
    """The citation marks in the text of messages, each with the id of its file."""
    return {
        mark.text: mark.file_citation.file_id
        for message in messages
        for part in message.content
        if isinstance(part, TextContent)
        for mark in part.text.annotations
        if isinstance(mark, FileCitation)
    }


async def with_sources(
    client: AssistantsClient, text: str, files: Mapping[str, str], *, thread_id: str, run_id: str
) -> tuple[str, tuple[Source, ...]]:
    """A run's text with footnote numbers in place of its citation marks, and the source of each number."""
    raw = text
    text, markers = cited(raw)
    known = [(number, marker) for number, marker in enumerate(markers, 1) if marker in files]
    if not known:
        return text, ()
    titles = {file: await _title(client, file) for file in dict.fromkeys(files[marker] for _, marker in known)}
    results = await _results(client, thread_id, run_id)
    return text, tuple(
        Source(number, titles[files[marker]], quote(_passage(marker, files[marker], results), said_with(raw, marker)))
        for number, marker in known
    )


async def _title(client: AssistantsClient, file: str) -> str:
    try:
        return (await client.files.retrieve(file)).filename
    except AssistantsError as error:
        log.info("cannot look up the name of a source", file=file, error=str(error))
        return "a file that no longer exists" if isinstance(error, NotFoundError) else "a file"


async def _results(client: AssistantsClient, thread_id: str, run_id: str) -> list[FileSearchResult]:
    """The results of the run's file searches, with their text."""
    found: list[FileSearchResult] = []
    try:
        async for step in client.threads.runs.steps.list(thread_id, run_id, order="asc", include=[SEARCH_CONTENT]):
            if isinstance(step.step_details, ToolCalls):
                for call in step.step_details.tool_calls:
                    found += (call.file_search.results or ()) if isinstance(call, FileSearchCall) else ()
    except AssistantsError as error:
        log.info("cannot look up the passages of an answer", run=run_id, error=str(error))
    return found


def _passage(marker: str, file: str, results: list[FileSearchResult]) -> str:
    """The text that a mark cites: from the result with its number, or else from the first result of its file."""
    place = _PLACE.search(marker)
    meant = results[int(place[1]) :][:1] if place else []
    for result in (*meant, *results):
        if result.file_id == file:
            return " ".join(piece.text for piece in result.content or ())
    return ""
