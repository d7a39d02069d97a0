"""ASGI middleware in front of the API: authentication, rate and size limits, access log, response headers."""

import logging
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assistants.contract import LARGEST_FILE, Failure, no_key, rate_limited, wrong_key
from assistants.service.access import Caller
from assistants.service.keys import Key, Keys
from assistants.service.rates import Rates, Verdict
from assistants.service.routes.common import CALLER

access_log = logging.getLogger("assistants.access")

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
OPEN = frozenset({"/v1/openapi.json"})
API_VERSION = "2020-10-01"
# Messages may contain pictures as data; anything larger is uploaded as a file.
LARGEST_BODY = 32 * 1024 * 1024
LARGEST_FORM = LARGEST_FILE + 1024 * 1024

DRAINED = 4 * 1024 * 1024

Headers = list[tuple[bytes, bytes]]
Said = Mapping[bytes, bytes]


@dataclass(frozen=True, slots=True)
class Rules:
    """Access rules. Without any API key the API is closed, or `open` to programs on this machine."""

    requests_a_minute: int = 0
    open: bool = False


class _TooLarge(Exception):
    """The request body exceeds the size limit."""


class Guard:
    """ASGI middleware that authenticates, rate-limits and size-limits requests."""

    def __init__(self, app: ASGIApp, keys: Keys, rules: Rules) -> None:
        self._app = app
        self._keys = keys
        self._rules = rules
        self._rates = Rates()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        await _Exchange(scope, send).through(self, receive)

    async def admit(self, scope: Scope, headers: Said) -> tuple[Key | None, Failure | None]:
        """Return the key of a request, or the reason to refuse it."""
        scheme, _, rest = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
        secret = rest.strip() if scheme.lower() == "bearer" else ""
        key = await self._keys.of(secret) if secret else None
        if key is None and scope["path"] not in OPEN:
            if await self._keys.any():
                return None, wrong_key() if secret else no_key()
            if not self._rules.open:
                return None, _closed()
            return None, _not_from_here(headers)
        if key is not None and key.scope == "read" and _writes(scope):
            return key, _only_reads()
        return key, None

    def rate(self, key: Key | None) -> Verdict | None:
        """Count a request against the key's rate limit. Return None without a limit."""
        limit = (key.rate if key else None) or self._rules.requests_a_minute
        return self._rates.take(key.id if key else "", limit) if limit else None

    @property
    def app(self) -> ASGIApp:
        return self._app


class _Exchange:
    """One request passing through the guard."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._scope = scope
        self._send_on = send
        self._id = f"req_{secrets.token_hex(16)}"
        self._begun = time.perf_counter()
        self._status = 0
        self._headers: Headers = []

    async def through(self, guard: Guard, receive: Receive) -> None:
        # The first of repeated headers counts.
        headers: Said = dict(reversed(self._scope["headers"]))
        key, failure = await guard.admit(self._scope, headers)
        if failure is None and (verdict := guard.rate(key)):
            self._headers += verdict.headers()
            failure = None if verdict.allowed else rate_limited(round(verdict.wait, 3))
        is_form = headers.get(b"content-type", b"").startswith(b"multipart/")
        largest = LARGEST_FORM if is_form else LARGEST_BODY
        if failure is None and _told_size(headers) > largest:
            failure = _too_large(largest)
        body = _Body(receive, largest)
        try:
            if failure is not None:
                await self._refuse(failure, body)
                return
            self._scope[CALLER] = Caller(key.project, key.id) if key else Caller()
            try:
                await guard.app(self._scope, body.receive, _unless(body, self._send))
            except _TooLarge:
                if self._status:
                    raise
            if body.over and not self._status:
                await self._refuse(_too_large(largest), body)
        finally:
            self._log(key)

    async def _refuse(self, failure: Failure, body: "_Body") -> None:
        headers = {}
        if failure.status == 413:
            # Closing a connection with unread bytes may discard the response.
            await body.drain()
            headers = {"connection": "close"}
        answer = Response(failure.body().wire_json(), failure.status, headers=headers, media_type="application/json")
        await answer(self._scope, body.receive, self._send)

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            spent = (time.perf_counter() - self._begun) * 1000
            more = [
                (b"x-request-id", self._id.encode()),
                (b"openai-version", API_VERSION.encode()),
                (b"openai-processing-ms", f"{spent:.0f}".encode()),
            ]
            message = {**message, "headers": [*message.get("headers", ()), *more, *self._headers]}
        await self._send_on(message)

    def _log(self, key: Key | None) -> None:
        """Log one line without query, body or secret."""
        spent = (time.perf_counter() - self._begun) * 1000
        who = key.id if key else "-"
        method, path = self._scope["method"], self._scope["path"]
        access_log.info("%s %s %s %.0fms %s %s", method, path, self._status or "-", spent, who, self._id)


class _Body:
    """A streamed request body, limited to `largest` bytes whatever Content-Length says."""

    def __init__(self, receive: Receive, largest: int) -> None:
        self._receive = receive
        self._left = largest
        self._whole = False
        self.over = False

    async def receive(self) -> Message:
        message = await self._next()
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            self.over = True
            raise _TooLarge
        return message

    async def drain(self) -> None:
        """Read the rest of the body, up to DRAINED bytes."""
        left = DRAINED
        while left > 0 and not self._whole:
            left -= len((await self._next()).get("body", b""))

    async def _next(self) -> Message:
        message = await self._receive()
        self._whole = message["type"] != "http.request" or not message.get("more_body")
        return message


def _unless(body: _Body, send: Send) -> Send:
    """Forward the app's response, unless the body exceeded the limit and the response is about a truncated body."""

    async def said(message: Message) -> None:
        if not body.over:
            await send(message)

    return said


def _told_size(headers: Said) -> int:
    said = headers.get(b"content-length", b"")
    return int(said) if said.isdigit() else 0


def _writes(scope: Scope) -> bool:
    # A search is a POST that changes nothing.
    return scope["method"] not in ("GET", "HEAD") and not scope["path"].endswith("/search")


def _not_from_here(headers: Said) -> Failure | None:
    """Refuse callers other than local programs: web pages (Origin) and names rebound to this address (Host)."""
    host = urlsplit(f"//{headers.get(b'host', b'').decode('latin-1')}").hostname
    if host in LOOPBACK and not headers.get(b"origin"):
        return None
    sentence = "Without keys this API answers only programs on this machine; create one: threadline keys create."
    return Failure(403, sentence)


def _closed() -> Failure:
    sentence = "This API is closed: no keys are set. Set THREADLINE_API_KEYS, or create one: threadline keys create."
    return Failure(401, sentence, code="invalid_api_key")


def _only_reads() -> Failure:
    sentence = "You have insufficient permissions for this operation. This key may only read."
    return Failure(403, sentence, code="insufficient_permissions")


def _too_large(largest: int) -> Failure:
    return Failure(413, f"The request is too large: the limit is {largest} bytes.", code="request_too_large")
