"""What the page sends, read with suspicion: every fault is one sentence for the person."""

import json
import uuid
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from storage.text import storable

LONGEST_TEXT = 100_000
LONGEST_BODY = 2 * 1024 * 1024


class BadRequestError(Exception):
    """The request cannot be used; the text says why and what to do."""


async def json_object(request: Request) -> Mapping[str, Any]:
    """The body, a JSON object, sent as `application/json`: no foreign form can. Raises `BadRequestError`."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise BadRequestError("Send JSON, with the header Content-Type: application/json.")
    try:
        body = json.loads(await _limited(request))
    except (ValueError, RecursionError):
        raise BadRequestError("The request is not valid JSON.") from None
    if not isinstance(body, dict):
        raise BadRequestError("The request must be a JSON object.")
    return body


def event_id(body: Mapping[str, Any]) -> str:
    """The message's own id, made by the client, so that a message sent again is the same message."""
    value = body.get("event")
    try:
        return str(uuid.UUID(value if isinstance(value, str) else ""))
    except ValueError:
        raise BadRequestError("A message needs `event`, a UUID that stays the same when it is sent again.") from None


def message_text(body: Mapping[str, Any]) -> str:
    """What the person wrote, fit to be stored."""
    text = storable(string(body, "text"))
    if not text.strip():
        raise BadRequestError("The message is empty: write something first.")
    if len(text) > LONGEST_TEXT:
        raise BadRequestError(
            f"The message has {len(text):,} characters; the most is {LONGEST_TEXT:,}. Shorten it or send it in parts."
        )
    return text


def string(body: Mapping[str, Any], name: str) -> str:
    """A field that must be text; missing counts as empty."""
    value = body.get(name, "")
    if not isinstance(value, str):
        raise BadRequestError(f"`{name}` must be text.")
    return value


async def _limited(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LONGEST_BODY:
            raise BadRequestError(f"The request is too large; the most is {LONGEST_BODY // 1024 // 1024} MiB.")
    return bytes(body)
