"""Reports documents that people sent and the server could not index for file search."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import structlog

from assistants.connector import AssistantsClient, AssistantsError
from assistants.contract import FileSearchTool
from bot.files import shown

# How long a finished answer waits for files that are still being indexed.
INDEXING_SECONDS = 5.0

log = structlog.get_logger()


def searched(attachments: Iterable[Mapping[str, Any]]) -> list[str]:
    """The ids of the attachments meant for file search."""
    return [str(each["file_id"]) for each in attachments if {"type": "file_search"} in each["tools"]]


async def complaints(
    client: AssistantsClient, thread_id: str, files: Sequence[str] | None, *, tag: Mapping[str, str]
) -> list[str]:
    """Why files of a thread could not be indexed, as sentences for the person who sent them.

    If `files` is None, because an earlier attempt sent them, the files of the newest messages with this tag are
    checked.
    """
    try:
        ours = await _tagged(client, thread_id, tag) if files is None else files
        resources = (await client.threads.retrieve(thread_id)).tool_resources if ours else None
    except AssistantsError as error:
        log.info("cannot find out whether files were indexed", error=str(error))
        return []
    stores = resources.file_search.vector_store_ids if resources and resources.file_search else []
    if not stores:
        return []
    found = await asyncio.gather(*(_complaint(client, stores[0], file) for file in ours))
    return [sentence for sentence in found if sentence]


async def _tagged(client: AssistantsClient, thread_id: str, tag: Mapping[str, str]) -> list[str]:
    page = await client.threads.messages.list(thread_id, order="desc", limit=20).page()
    return [
        attachment.file_id
        for message in page.data
        if tag.items() <= (message.metadata or {}).items()
        for attachment in message.attachments or ()
        if attachment.file_id and any(isinstance(tool, FileSearchTool) for tool in attachment.tools or ())
    ]


async def _complaint(client: AssistantsClient, store: str, file: str) -> str:
    """The complaint about one file; empty if it was indexed or the server does not say."""
    try:
        ended = await client.vector_stores.files.wait(store, file, deadline=INDEXING_SECONDS)
        if ended.status != "failed":
            return ""
        name = (await client.files.retrieve(file)).filename
    except AssistantsError as error:
        log.info("cannot find out whether a file was indexed", file=file, error=str(error))
        return ""
    why = ended.last_error.message if ended.last_error else ""
    return f"{shown(name)} could not be read. {why}".rstrip()
