"""Reads a file's text: plain text directly, other formats in a child process with limits."""

import asyncio
import json
import logging
import sys

from assistants.service.reading.kinds import Kind, kind_of
from assistants.service.tools.spawning import end, spawn

SECONDS = 90.0

_NAMES: dict[Kind, str] = {
    "pdf": "PDF",
    "docx": "Word file",
    "pptx": "PowerPoint file",
    "xlsx": "Excel file",
    "html": "web page",
}
_REFUSED: dict[Kind, str] = {
    "old-office": "It is of an old Office format; save it as .docx, .xlsx or .pptx.",
    "archive": "It is an archive; send the files in it one by one.",
    "picture": "It is a picture, and only text can be searched.",
    "sound": "It is sound, and only text can be searched.",
    "other": "It is no text, and only text can be searched.",
}

logger = logging.getLogger(__name__)


class Unreadable(Exception):
    """The file cannot be indexed; has the API's error code and a sentence."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


async def text_of(data: bytes) -> str:
    """Return a file's text. Raises `Unreadable`."""
    kind = await asyncio.to_thread(kind_of, data)
    if kind in _REFUSED:
        raise Unreadable("unsupported_file", _REFUSED[kind])
    text = await asyncio.to_thread(decoded, data) if kind == "text" else await _in_child(kind, data)
    if not text.strip():
        raise Unreadable("invalid_file", "The file is empty.")
    return text


def decoded(data: bytes) -> str:
    """Decode a text file. Raises `Unreadable` if it is not text."""
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        raise Unreadable("unsupported_file", "The file is no plain text, and of no kind that can be read.") from None
    if "\0" in text:
        raise Unreadable("unsupported_file", "The file holds binary data, and is of no kind that can be read.")
    return text


async def _in_child(kind: Kind, data: bytes) -> str:
    process = await spawn(
        sys.executable, "-I", "-m", "assistants.service.reading.child", kind,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        env={}, start_new_session=True,
    )  # fmt: skip
    try:
        async with asyncio.timeout(SECONDS):
            written, _ = await process.communicate(data)
    except TimeoutError:
        raise Unreadable("invalid_file", f"Reading the {_NAMES[kind]} took longer than {SECONDS:g} seconds.") from None
    finally:
        if process.returncode is None:
            await end(process)
    return _text(kind, written)


def _text(kind: Kind, written: bytes) -> str:
    try:
        said = json.loads(written)
    except ValueError:  # it was ended by its limits
        sentence = f"The {_NAMES[kind]} takes too long or too much memory to be read."
        raise Unreadable("invalid_file", sentence) from None
    if "text" in said:
        return str(said["text"])
    if "error" in said:
        raise Unreadable("invalid_file", str(said["error"]))
    if "missing" in said:
        sentence = f"A {_NAMES[kind]} cannot be read here: Threadline's extra `files` is not installed."
        raise Unreadable("unsupported_file", sentence)
    logger.info("A %s is damaged: %s", _NAMES[kind], said["broken"])
    raise Unreadable("invalid_file", f"The {_NAMES[kind]} is damaged and cannot be read.")
