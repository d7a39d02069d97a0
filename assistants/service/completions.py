"""Parses responses of a Chat-Completions endpoint: streams into pieces, errors into sentences."""

import asyncio
import json
import math
import re
import secrets
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, suppress
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
from httpx_sse import EventSource, ServerSentEvent, SSEError

from assistants.service.endpoints import Endpoint
from assistants.service.pieces import (
    CallPiece,
    End,
    Finish,
    ModelError,
    Piece,
    PromptTooLong,
    RefusalPiece,
    TextPiece,
)
from storage.text import Joined

# How long to wait for the last bytes after a complete answer before closing the connection.
FAREWELL = 1.0


def host(endpoint: Endpoint) -> str:
    """Return an endpoint's host and port for messages, never a user or key."""
    url = httpx.URL(endpoint.base_url)
    return f"{url.host}:{url.port}" if url.port else url.host


def cut_short(endpoint: Endpoint) -> ModelError:
    return ModelError(f"{host(endpoint)} ended the connection in the middle of its answer. Ask again.", retryable=True)


async def read(response: httpx.Response, endpoint: Endpoint) -> AsyncGenerator[Piece, None]:
    """Yield the pieces of an answer. Continues after the `End` until the connection is reusable."""
    async with aclosing(EventSource(response).aiter_sse()) as events:
        async with aclosing(_pieces(events, endpoint)) as pieces:
            async for piece in pieces:
                yield piece
        with suppress(httpx.HTTPError, SSEError, TimeoutError):
            async with asyncio.timeout(FAREWELL):
                async for _ in events:
                    pass


async def _pieces(events: AsyncGenerator[ServerSentEvent, None], endpoint: Endpoint) -> AsyncGenerator[Piece, None]:
    calls = _Calls()
    finish: str | None = None
    usage: dict[str, Any] = {}
    # Rejoin characters split between fragments, separately for answer and refusal.
    words: dict[type[TextPiece | RefusalPiece], Joined] = {TextPiece: Joined(), RefusalPiece: Joined()}
    try:
        async for event in events:
            if event.data == "[DONE]":
                break
            chunk = json.loads(event.data)
            if chunk.get("error"):
                raise _told(chunk["error"], endpoint)
            usage = chunk.get("usage") or usage
            for choice in chunk.get("choices", ())[:1]:
                finish = choice.get("finish_reason") or finish
                delta = choice.get("delta") or {}
                for kind, text in ((TextPiece, delta.get("content")), (RefusalPiece, delta.get("refusal"))):
                    if text and (whole := words[kind].add(text)):
                        yield kind(whole)
                for fragment in delta.get("tool_calls") or ():
                    yield calls.piece(fragment)
    except (SSEError, ValueError, TypeError, AttributeError, KeyError):
        raise ModelError(
            f"{host(endpoint)} does not answer like a Chat Completions endpoint. Check that its address ends in /v1."
        ) from None
    if finish is None:
        raise cut_short(endpoint)
    yield End(
        _finish(finish, calls),
        usage.get("prompt_tokens"),
        usage.get("completion_tokens"),
        _detail(usage, "prompt_tokens_details", "cached_tokens"),
        _detail(usage, "completion_tokens_details", "reasoning_tokens"),
    )


def _detail(usage: Mapping[str, Any], of: str, name: str) -> int | None:
    details = usage.get(of)
    count = details.get(name) if isinstance(details, Mapping) else None
    return count if isinstance(count, int) else None


class _Calls:
    """Assigns fragments of function calls to their calls; some endpoints omit the index or the id."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self._places: dict[int, int] = {}
        self._last = -1

    def piece(self, fragment: Mapping[str, Any]) -> CallPiece:
        function = fragment.get("function") or {}
        index = self._place(fragment)
        self._last = index
        arguments = function.get("arguments")
        if not isinstance(arguments, str):
            arguments = "" if arguments is None else json.dumps(arguments)
        if index < len(self.ids):
            return CallPiece(index, None, None, arguments)
        self.ids.append(fragment.get("id") or f"call_{secrets.token_hex(12)}")
        return CallPiece(index, self.ids[index], function.get("name") or "", arguments)

    def _place(self, fragment: Mapping[str, Any]) -> int:
        given, index, new = fragment.get("id"), fragment.get("index"), len(self.ids)
        if given in self.ids:
            return self.ids.index(given)
        if index is None:
            return new if given or not self.ids else self._last
        if given or index not in self._places:
            self._places[index] = new
        return self._places[index]


def _finish(said: str, calls: _Calls) -> Finish:
    if calls.ids and said != "length":
        return "tool_calls"
    if said in ("length", "content_filter"):
        return said  # type: ignore[return-value]
    return "stop"


def refusal(response: httpx.Response, endpoint: Endpoint) -> ModelError:
    where, status = host(endpoint), response.status_code
    said = _message(response, endpoint)
    if status == 429:
        return ModelError(_wait(response), code="rate_limit_exceeded")
    # Endpoints often quote part of the key in such an error.
    if status in (401, 403):
        return ModelError(f"{where} rejected the API key. Connect the model again with a valid key.")
    if status == 404:
        return ModelError(f"{where} does not know this model or this address{said}. Check both.")
    if status in (400, 413, 422):
        if too_long := _too_long(said):
            return PromptTooLong(f"This is too long for the model at {where}{said}.", too_long[0])
        return ModelError(f"{where} refused the request{said}.", code="invalid_prompt")
    return ModelError(f"{where} answered with an error ({status}){said}.", retryable=status >= 500 or status == 408)


def _told(error: Any, endpoint: Endpoint) -> ModelError:
    message = error.get("message") if isinstance(error, Mapping) else error
    code = error.get("code") if isinstance(error, Mapping) else None
    if code in (429, "rate_limit_exceeded"):
        return ModelError("Rate limit is exceeded. Try again in a moment.", code="rate_limit_exceeded")
    quoted = _quote(message, endpoint)
    if too_long := _too_long(quoted):
        return PromptTooLong(f"This is too long for the model at {host(endpoint)}{quoted}.", too_long[0])
    return ModelError(f"{host(endpoint)} answered with an error{_quote(message, endpoint)}.")


_TOO_LONG = re.compile(
    r"context.?(length|window|size)|maximum context|(prompt|input) is too long|too many tokens|exceeds? the context",
    re.IGNORECASE,
)
_LIMIT = re.compile(r"(?:maximum|max|limit|n_ctx|window|size)\D{0,40}?(\d{3,8})", re.IGNORECASE)


def _too_long(said: str) -> tuple[int | None] | None:
    """Return the limit named in a prompt-too-long error; None for any other error."""
    if not _TOO_LONG.search(said):
        return None
    named = _LIMIT.search(said)
    return (int(named[1]) if named else None,)


def _message(response: httpx.Response, endpoint: Endpoint) -> str:
    try:
        error = response.json().get("error")
    except (ValueError, AttributeError):
        return ""
    return _quote(error.get("message") if isinstance(error, Mapping) else error, endpoint)


def _quote(said: Any, endpoint: Endpoint) -> str:
    if not isinstance(said, str) or not said:
        return ""
    clean = said.replace(endpoint.api_key, "…") if endpoint.api_key else said
    return f": {clean.strip().rstrip('.')[:300]}"


def _wait(response: httpx.Response) -> str:
    seconds = _seconds(response.headers.get("retry-after", ""))
    wait = "a moment" if seconds is None else f"{seconds} second{'' if seconds == 1 else 's'}"
    return f"Rate limit is exceeded. Try again in {wait}."


def _seconds(after: str) -> int | None:
    """Return the whole seconds of a Retry-After header, a number or a date."""
    try:
        return max(math.ceil(float(after)), 0)
    except (ValueError, OverflowError):
        pass
    try:
        return max(math.ceil(parsedate_to_datetime(after).timestamp() - time.time()), 0)
    except (ValueError, OverflowError):
        return None
