"""The figures and files that a run created, as segments of a reply."""

import mimetypes
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import structlog

from assistants.connector import AssistantsClient, AssistantsError, NotFoundError
from assistants.contract import FilePath, ImageFileContent, Message, TextContent
from bot.files import LARGEST, PICTURES, media_type
from bot.segments import File, Image, Notice, Segment

MOST_MIB = LARGEST // 1024 // 1024

GONE = "A file of this answer no longer exists."

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Made:
    """A file of an answer, by its id on the server. A `figure` is part of the answer; others are linked in its text."""

    file_id: str
    figure: bool = False


def made_in(messages: Iterable[Message]) -> list[Made]:
    """The files that an assistant's messages show or link, each once, in order."""
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
    """A file of an answer; None if it does not exist. Raises `AssistantsError`."""
    try:
        file = await client.files.retrieve(made.file_id)
        async with client.files.content(made.file_id) as content:
            return _as_it_is(file.filename, await content.read(), made)
    except NotFoundError:
        return None


async def listed(client: AssistantsClient, made: Sequence[Made]) -> list[Segment]:
    """The files without their bytes, for surfaces that fetch them on demand."""
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
    """The files with their bytes; a notice for each that cannot be read."""
    return [await _brought(client, each) for each in made]


async def _brought(client: AssistantsClient, made: Made) -> Segment:
    try:
        file = await client.files.retrieve(made.file_id)
        if file.bytes > LARGEST:
            return Notice(f"{file.filename} is too large to send: the limit is {MOST_MIB} MiB.")
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
    """A file with the type of its content."""
    return _shaped(name, media_type(data, name), data, made)


def _shaped(name: str, kind: str, data: bytes, made: Made) -> File:
    if kind not in PICTURES:
        return File(name, kind, data, made.file_id)
    return Image(name, kind, data, made.file_id, alt="A figure that the code drew" if made.figure else name)
