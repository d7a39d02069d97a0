"""An httpx transport to an ASGI app in the same event loop that streams; httpx's own waits for the whole response."""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import httpx
from starlette.types import ASGIApp, Message, Scope

logger = logging.getLogger(__name__)

BUFFERED_CHUNKS = 16

_Headers = list[tuple[bytes, bytes]]


class LocalTransport(httpx.AsyncBaseTransport):
    """An httpx transport that calls `app` as a TCP server would.

    A slow reader blocks the app after a few chunks. Closing the response sends the app a disconnect, as a TCP server
    would, and does not cancel it, so that it can finish what it began.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._tasks: set[asyncio.Task[None]] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        exchange = _Exchange(await _body(request))
        task = asyncio.create_task(exchange.run(self._app, _scope(request)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        patience: float | None = request.extensions.get("timeout", {}).get("read")
        try:
            status, headers = await exchange.started(patience)
        except BaseException:
            exchange.leave()
            raise
        return httpx.Response(status, headers=headers, stream=_Stream(exchange, patience), request=request)

    async def aclose(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


class _Exchange:
    """One request, and its response on the way from the app to the reader."""

    def __init__(self, body: bytes) -> None:
        self._body: bytes | None = body
        self._chunks: asyncio.Queue[bytes | None] = asyncio.Queue(BUFFERED_CHUNKS)
        self._start: asyncio.Future[tuple[int, _Headers]] = asyncio.get_running_loop().create_future()
        self._gone = asyncio.Event()
        self._whole = False

    async def run(self, app: ASGIApp, scope: Scope) -> None:
        try:
            await app(scope, self.receive, self.send)
        except Exception:
            logger.exception("The app failed on %s %s", scope["method"], scope["path"])
        finally:
            if not self._start.done():
                self._start.set_result((500, [(b"content-type", b"text/plain; charset=utf-8")]))
                self._whole = True
            await self._put(None)
            self._gone.set()

    async def receive(self) -> Message:
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            if not self._start.done():
                self._start.set_result((message["status"], list(message.get("headers", []))))
        elif message["type"] == "http.response.body":
            if message.get("body"):
                await self._put(message["body"])
            self._whole = self._whole or not message.get("more_body", False)

    async def started(self, patience: float | None) -> tuple[int, _Headers]:
        try:
            async with asyncio.timeout(patience):
                return await asyncio.shield(self._start)
        except TimeoutError:
            raise httpx.ReadTimeout(f"No answer within {patience:g} seconds.") from None

    async def next(self, patience: float | None) -> bytes | None:
        """Return the next chunk, or None at the end of a complete response."""
        try:
            async with asyncio.timeout(patience):
                chunk = await self._chunks.get()
        except TimeoutError:
            raise httpx.ReadTimeout(f"Nothing more came for {patience:g} seconds.") from None
        if chunk is None and not self._whole:
            raise httpx.RemoteProtocolError("The answer ended before it was whole.")
        return chunk

    def leave(self) -> None:
        """Tell the app that the reader has gone. A blocked send returns, and its chunk is dropped."""
        self._gone.set()
        while not self._chunks.empty():
            self._chunks.get_nowait()

    async def _put(self, chunk: bytes | None) -> None:
        if self._gone.is_set():
            await asyncio.sleep(0)  # an app that never checks for a disconnect must not starve the loop
        else:
            await self._chunks.put(chunk)


class _Stream(httpx.AsyncByteStream):
    def __init__(self, exchange: _Exchange, patience: float | None) -> None:
        self._exchange = exchange
        self._patience = patience

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while (chunk := await self._exchange.next(self._patience)) is not None:
            yield chunk

    async def aclose(self) -> None:
        self._exchange.leave()


async def _body(request: httpx.Request) -> bytes:
    assert isinstance(request.stream, httpx.AsyncByteStream)  # noqa: S101 - httpx's async client makes no others
    return b"".join([chunk async for chunk in request.stream])


def _scope(request: httpx.Request) -> dict[str, Any]:
    url = request.url
    return {
        "type": "http",
        # Below 2.4, Starlette listens for the disconnect instead of noticing it at its next send.
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": url.scheme,
        "path": url.path,
        "raw_path": url.raw_path.split(b"?", 1)[0],
        "query_string": url.query,
        "root_path": "",
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "server": (url.host, url.port or 80),
        "client": ("127.0.0.1", 0),
    }
