"""Streams answers from one Chat-Completions endpoint, with retries until the first word arrives."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager

import httpx
from pydantic_core import to_json

from assistants.service.completions import cut_short, host, read, refusal
from assistants.service.endpoint_client import destination, http_client
from assistants.service.endpoints import Endpoint, EndpointError
from assistants.service.pieces import ModelError, Piece, Request

RETRIES = 2
BACK_OFF = 0.25
# A model may think for minutes before its first word, but connecting either works quickly or fails.
PATIENCE = httpx.Timeout(300, connect=5, pool=None)


class ChatCompletions:
    """A `ChatModel` at an endpoint. `endpoint` may be a coroutine function that starts a local model on demand."""

    def __init__(
        self,
        endpoint: Endpoint | Callable[[], Awaitable[Endpoint]],
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        back_off: float = BACK_OFF,
    ) -> None:
        self._endpoint = endpoint
        self._transport = transport
        self._back_off = back_off
        self._client: httpx.AsyncClient | None = None

    async def stream(self, request: Request) -> AsyncGenerator[Piece, None]:
        for attempt in range(RETRIES + 1):
            begun = False
            try:
                async with aclosing(self._attempt(request)) as pieces:
                    async for piece in pieces:
                        begun = True
                        yield piece
                return
            except ModelError as error:
                if begun or not error.retryable or attempt == RETRIES:
                    raise
            await asyncio.sleep(self._back_off * 2**attempt)

    async def aclose(self) -> None:
        if self._client is not None:
            await self._client.aclose()

    async def _attempt(self, request: Request) -> AsyncGenerator[Piece, None]:
        endpoint = await self._resolve()
        body = {"model": endpoint.model, **request, "stream": True, "stream_options": {"include_usage": True}}
        try:
            async with self._asked(endpoint, body) as response:
                if response.status_code != 200:
                    await response.aread()
                    raise refusal(response, endpoint)
                async with aclosing(read(response, endpoint)) as pieces:
                    async for piece in pieces:
                        yield piece
        except httpx.ReadTimeout:
            raise ModelError(
                f"{host(endpoint)} took too long to answer. Ask again, or connect another model."
            ) from None
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol, httpx.ProxyError):
            raise ModelError(
                f"The model at {host(endpoint)} cannot be reached. Check that it is running, and its address.",
                retryable=True,
            ) from None
        except httpx.HTTPError:
            raise cut_short(endpoint) from None

    @asynccontextmanager
    async def _asked(self, endpoint: Endpoint, body: Request) -> AsyncIterator[httpx.Response]:
        (url, auth), client = destination(endpoint, "chat/completions"), self._http()
        # The request is built by hand for speed: httpx would merge the same settings every time, a third of the cost of
        # asking, and pydantic writes the JSON of a long prompt five times as fast.
        headers = httpx.Headers(client.headers)
        headers["content-type"] = "application/json"
        extensions = {"timeout": PATIENCE.as_dict()}
        request = httpx.Request("POST", url, headers=headers, content=to_json(body), extensions=extensions)
        response = await client.send(request, auth=auth, stream=True)
        try:
            yield response
        finally:
            await response.aclose()

    async def _resolve(self) -> Endpoint:
        if isinstance(self._endpoint, Endpoint):
            return self._endpoint
        try:
            return await self._endpoint()
        except EndpointError as error:
            raise ModelError(str(error)) from None

    def _http(self) -> httpx.AsyncClient:
        if self._client is None:
            self._client = http_client(PATIENCE, self._transport)
        return self._client
