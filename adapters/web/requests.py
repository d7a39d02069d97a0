"""Validates what the page sends; every error is one sentence for the person."""

import json
import re
import uuid
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from bot.files import MOST_FILES
from bot.incoming import Attached
from storage.text import storable

LONGEST_TEXT = 100_000
LONGEST_BODY = 2 * 1024 * 1024
LONGEST_NAME = 1_000
BYTES = "application/octet-stream"
TOO_LARGE = f"The request is too large; the limit is {LONGEST_BODY // 1024 // 1024} MiB."

_ID = re.compile(r"[A-Za-z0-9_-]{1,200}")


class BadRequestError(Exception):
    """The request cannot be used; the text says why and what to do."""


async def json_object(request: Request) -> Mapping[str, Any]:
    """The body, a JSON object. Its type must be `application/json`, which a form on another site cannot send.

    Raises `BadRequestError`.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise BadRequestError("Send JSON, with the header Content-Type: application/json.")
    try:
        body = json.loads(await _limited(request, LONGEST_BODY, TOO_LARGE))
    except (ValueError, RecursionError):
        raise BadRequestError("The request is not valid JSON.") from None
    if not isinstance(body, dict):
        raise BadRequestError("The request must be a JSON object.")
    return body


def event_id(body: Mapping[str, Any]) -> str:
    """The id of a message, made by the client, so that a retry is recognised."""
    value = body.get("event")
    try:
        return str(uuid.UUID(value if isinstance(value, str) else ""))
    except ValueError:
        raise BadRequestError("A message needs `event`, a UUID that stays the same when it is sent again.") from None


def message_text(body: Mapping[str, Any], *, may_be_empty: bool = False) -> str:
    """The text of a message, fit to be stored."""
    text = storable(string(body, "text"))
    if not text.strip() and not may_be_empty:
        raise BadRequestError("The message is empty. Write something first.")
    if len(text) > LONGEST_TEXT:
        raise BadRequestError(
            f"The message has {len(text):,} characters; the limit is {LONGEST_TEXT:,}. Shorten it or send it in parts."
        )
    return text


def attached_files(body: Mapping[str, Any]) -> tuple[Attached, ...]:
    """The files attached earlier, as the upload returned them."""
    files = body.get("files", [])
    if not isinstance(files, list) or not all(isinstance(file, dict) for file in files):
        raise BadRequestError("`files` must be a list of the files that were attached.")
    if len(files) > MOST_FILES:
        raise BadRequestError(
            f"A message has at most {MOST_FILES} files; this one has {len(files)}. Send the rest in another."
        )
    return tuple(map(_attached, files))


def _attached(file: Mapping[str, Any]) -> Attached:
    size = file.get("size")
    kept, name, kind = (storable(string(file, field)) for field in ("id", "name", "media_type"))
    if not _ID.fullmatch(kept) or not isinstance(size, int) or max(len(name), len(kind)) > LONGEST_NAME:
        raise BadRequestError("A file of this message was never attached; attach it again.")
    return Attached(name, kind, size, kept=kept)


def string(body: Mapping[str, Any], name: str) -> str:
    """A text field; a missing field counts as empty."""
    value = body.get(name, "")
    if not isinstance(value, str):
        raise BadRequestError(f"`{name}` must be text.")
    return value


async def binary(request: Request, most: int, too_large: str) -> bytes:
    """The body. Its type must be `application/octet-stream`, which a form on another site cannot send.

    Raises `BadRequestError`.
    """
    if request.headers.get("content-type", "") != BYTES:
        raise BadRequestError(f"Send the file's bytes, with the header Content-Type: {BYTES}.")
    return await _limited(request, most, too_large)


async def _limited(request: Request, most: int, too_large: str) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise BadRequestError(too_large)
    return bytes(body)
