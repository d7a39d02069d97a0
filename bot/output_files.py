"""The figures and files that a run made, as pieces of a reply."""

import mimetypes
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import structlog

from assistants.connector import AssistantsClient, AssistantsError, NotFoundError
from assistants.contract import FilePath, ImageFileContent, Message, TextContent
from bot.files import LARGEST, PICTURES, media_type
from bot.segments import File, Image, Notice, Segment

MOST_MIB = LARGEST // 1024 // 1024

GONE = "A file of this answer is no longer there."

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Made:
    """A file of an answer by its id on the server; a `figure` stands in the answer, another is linked in its text."""

    file_id: str
    figure: bool = False


def made_in(messages: Iterable[Message]) -> list[Made]:
    """What messages of an assistant show and link, each once, in their order."""
    found: dict[str, Made] = {}
    for part in (part for message in messages if message.role == "assistant" for part in message.content):
        if isinstance(part, ImageFileContent):
            found.setdefault(part.image_file.file_id, Made(part.image_file.file_id, figure=True))
        elif isinstance(part, TextContent):
            for mark in part.text.annotations:
                if isinstance(mark, FilePath):
                    found.setdefault(mark.file_path.file_id, Made(mark.file_path.file_id))
    return list(found.values())


async def read(client: AssistantsClient, made: Made) -> File | None:
    """A file of an answer; None where there is none. Raises `AssistantsError`."""
    try:
        file = await client.files.retrieve(made.file_id)
        async with client.files.content(made.file_id) as content:
            return _as_it_is(file.filename, await content.read(), made)
    except NotFoundError:
        return None


async def listed(client: AssistantsClient, made: Sequence[Made]) -> list[Segment]:
    """The files by name and id alone, for surfaces that fetch them when somebody looks."""
    found: list[Segment] = []
    for each in made:
        try:
            name = (await client.files.retrieve(each.file_id)).filename
        except NotFoundError:
            found.append(Notice(GONE))
            continue
        kind = mimetypes.guess_type(name)[0] or ""
        found.append(_shaped(name, kind, b"", each))
    return found


async def bring(client: AssistantsClient, made: Sequence[Made]) -> list[Segment]:
    """The files with their bytes; a sentence for each that cannot be had."""
    return [await _brought(client, each) for each in made]


async def _brought(client: AssistantsClient, made: Made) -> Segment:
    try:
        file = await client.files.retrieve(made.file_id)
        if file.bytes > LARGEST:
            return Notice(f"{file.filename} is too large to be sent here: up to {MOST_MIB} MiB are sent.")
        async with client.files.content(made.file_id) as content:
            data = await content.read()
    except NotFoundError:
        return Notice(GONE)
    except AssistantsError as error:
        if error.retryable:
            raise
        log.warning("a file of an answer cannot be read", file=made.file_id, error=str(error))
        return Notice("A file of this answer could not be read.")
    return _as_it_is(file.filename, data, made)


def _as_it_is(name: str, data: bytes, made: Made) -> File:
    """A file as what it is by its content."""
    return _shaped(name, media_type(data, name), data, made)


def _shaped(name: str, kind: str, data: bytes, made: Made) -> File:
    if kind not in PICTURES:
        return File(name, kind, data, made.file_id)
    return Image(name, kind, data, made.file_id, alt="A figure that the code drew" if made.figure else name)
