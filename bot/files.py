"""Handles the files that people send: detects their type, checks their size, uploads them, and explains refusals."""

import json
import mimetypes
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Literal

import puremagic
import structlog

from assistants.connector import AssistantsClient, AssistantsError, NotFoundError
from bot.adapter import FetchesFiles, FileRefusedError, Reply
from bot.incoming import Attached
from bot.words.harmless import harmless
from storage.records import IncomingRow

MOST_FILES = 10
LARGEST = 20 * 1024 * 1024
# The pictures that vision models read.
PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
VOICE = "Audio and video cannot be read here yet. Please write your message instead."

# An office file is a zip archive with such a folder. From its first bytes alone, any archive may be taken for one.
_OFFICE = {"wordprocessingml": b"word/", "presentationml": b"ppt/", "spreadsheetml": b"xl/"}

AGAIN = " Open it yourself, then send it again."
_WEB_PAGE = re.compile(rb"\s*(?:\xef\xbb\xbf)?\s*<(?:!doctype\s+html|html)\b", re.IGNORECASE)

log = structlog.get_logger()
JSON = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Received:
    """The files of a message as content and attachments of the API, and a sentence for each refused file.

    `documents` is true if some of them can be read only by a tool.
    """

    pictures: tuple[JSON, ...] = ()
    attachments: tuple[JSON, ...] = ()
    refusals: tuple[str, ...] = ()
    documents: bool = False


def attached(row: IncomingRow) -> list[Attached]:
    return [Attached(**file) for file in json.loads(row.attachments)] if row.attachments else []


async def receive(
    client: AssistantsClient, reply: Reply, files: Sequence[Attached], *, for_code: bool = False
) -> Received:
    """Upload the files of a message; with `for_code`, the code interpreter may read them too."""
    code = [{"type": "code_interpreter"}] if for_code else []
    pictures: list[JSON] = []
    attachments: list[JSON] = []
    refusals = [f"Only the first {MOST_FILES} of {len(files)} files were read."] if len(files) > MOST_FILES else []
    for file in files[:MOST_FILES]:
        try:
            there = await _there(client, reply, file)
        except FileRefusedError as error:
            refusals.append(str(error))
        except AssistantsError as error:
            log.warning("file not uploaded", error=str(error))
            refusals.append(f"{shown(file.name)} could not be uploaded: {error}")
        else:
            is_picture = there.media_type in PICTURES
            if is_picture:
                pictures.append({"type": "image_file", "image_file": {"file_id": there.kept}})
            if tools := code if is_picture else [*code, {"type": "file_search"}]:
                attachments.append({"file_id": there.kept, "tools": tools})
    documents = any(attachment["tools"] != code for attachment in attachments)
    return Received(tuple(pictures), tuple(attachments), tuple(refusals), documents)


async def keep(client: AssistantsClient, name: str, data: bytes) -> Attached:
    """Upload a file, with the type of its content. Raises `FileRefusedError`, `AssistantsError`."""
    if not data:
        raise FileRefusedError(f"{shown(name)} is empty.")
    if len(data) > LARGEST:
        raise FileRefusedError(too_large(name))
    kind = media_type(data, name)
    if _is_sound(kind):
        raise FileRefusedError(VOICE)
    if refusal := _other_than_named(name, kind, data):
        raise FileRefusedError(refusal)
    name = _named(name, kind)
    purpose: Literal["vision", "assistants"] = "vision" if kind in PICTURES else "assistants"
    file = await client.files.create(data, purpose=purpose, filename=name)
    return Attached(name, kind, len(data), kept=file.id)


async def _there(client: AssistantsClient, reply: Reply, file: Attached) -> Attached:
    """A file of a message on the server, uploaded if needed. Raises `FileRefusedError`, `AssistantsError`."""
    if file.kept:
        try:
            await client.files.retrieve(file.kept)
        except NotFoundError:
            raise FileRefusedError(f"{shown(file.name)} no longer exists; please send it again.") from None
        return file
    if _is_sound(file.media_type):
        raise FileRefusedError(VOICE)
    if file.size > LARGEST:
        raise FileRefusedError(too_large(file.name))
    if not isinstance(reply, FetchesFiles):
        raise FileRefusedError(f"{shown(file.name)} was not read: files cannot be read here.")
    return await keep(client, file.name, await reply.fetch(file, LARGEST))


def _other_than_named(name: str, kind: str, data: bytes) -> str:
    """Why the content of a file is not what its name says: a failed download often yields a sign-in page."""
    promised = mimetypes.guess_type(name)[0] or ""
    if _WEB_PAGE.match(data) and promised and "text/" not in promised and "html" not in promised:
        return f"{shown(name)} is a web page, whatever its name says; often such a page asks to sign in." + AGAIN
    if promised in PICTURES and not kind.startswith("image/"):
        return f"{shown(name)} is not a picture, whatever its name says." + AGAIN
    return ""


def _is_sound(kind: str) -> bool:
    return kind.startswith(("audio/", "video/"))


def media_type(data: bytes, name: str = "") -> str:
    """The media type of a file's content. The name only decides between kinds of text."""
    try:
        found = puremagic.from_string(data[:65_536], mime=True, filename=None)
    except (puremagic.PureError, ValueError):
        found = ""
    if found and not found.startswith("text/"):
        parts = [part for kind, part in _OFFICE.items() if kind in found]
        return "application/zip" if parts and parts[0] not in data else str(found)
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return str(found) or "application/octet-stream"
    named = mimetypes.guess_type(name)[0] or ""
    return named if named.startswith("text/") or named == "application/json" else "text/plain"


def _named(name: str, kind: str) -> str:
    """The name with the extension of the file's type, because servers go by it."""
    path = PurePosixPath(name.replace("\\", "/"))
    stem, ending = path.stem or "file", mimetypes.guess_extension(kind) or path.suffix
    known = mimetypes.guess_type(path.name)[0]
    return path.name if known == kind or kind in ("application/octet-stream", "text/plain") else f"{stem}{ending}"


def too_large(name: str) -> str:
    """Why a file of this name is refused."""
    return f"{shown(name)} is too large: files of up to {LARGEST // 1024 // 1024} MiB are read here."


def shown(name: str) -> str:
    """A file's name for a sentence: on one line, harmless, of limited length."""
    return f"“{harmless(' '.join(name.split()))[:80]}”"
