"""The in-process transport behaves as a server on TCP does."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from assistants.service.asgi_transport import BUFFERED_CHUNKS, LocalTransport


class Tap:
    """An app whose stream a test opens and watches."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.sent = 0
        self.closed = asyncio.Event()
        self.app = Starlette(
            routes=[
                Route("/echo", self.echo, methods=["POST"]),
                Route("/drip", self.drip),
                Route("/flood", self.flood),
                Route("/broken", self.broken),
                Route("/torn", self.torn),
            ]
        )

    async def echo(self, request: Request) -> Response:
        return JSONResponse({"body": (await request.body()).decode(), "query": dict(request.query_params)})

    async def drip(self, _: Request) -> Response:
        async def drops() -> AsyncIterator[bytes]:
            try:
                yield b"one"
                await self.open.wait()
                yield b"two"
            finally:
                self.closed.set()

        return StreamingResponse(drops())

    async def flood(self, _: Request) -> Response:
        async def water() -> AsyncIterator[bytes]:
            while True:
                self.sent += 1
                yield b"x" * 1000

        return StreamingResponse(water())

    async def broken(self, _: Request) -> Response:
        raise RuntimeError("not meant to be seen")

    async def torn(self, _: Request) -> Response:
        async def half() -> AsyncIterator[bytes]:
            yield b"half"
            raise RuntimeError("torn")

        return StreamingResponse(half())


@pytest.fixture
async def tap() -> Tap:
    return Tap()


@pytest.fixture
async def client(tap: Tap) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=LocalTransport(tap.app), base_url="http://local") as client:
        yield client


async def test_the_app_sees_path_query_and_body(client: httpx.AsyncClient) -> None:
    answer = await client.post("/echo", params={"a": "1"}, content="hällo")
    assert answer.json() == {"body": "hällo", "query": {"a": "1"}}


async def test_a_chunk_is_read_before_the_next_one_exists(client: httpx.AsyncClient, tap: Tap) -> None:
    async with client.stream("GET", "/drip") as response:
        chunks = response.aiter_raw()
        assert await anext(chunks) == b"one"
        tap.open.set()
        assert await anext(chunks) == b"two"
        assert [chunk async for chunk in chunks] == []


async def test_closing_the_response_ends_the_stream_in_the_app(client: httpx.AsyncClient, tap: Tap) -> None:
    async with client.stream("GET", "/drip") as response:
        assert await anext(response.aiter_raw()) == b"one"
    await asyncio.wait_for(tap.closed.wait(), 10)


async def test_a_slow_reader_holds_the_app_back(client: httpx.AsyncClient, tap: Tap) -> None:
    async with client.stream("GET", "/flood") as response:
        await anext(response.aiter_raw())
        for _ in range(10 * BUFFERED_CHUNKS):
            await asyncio.sleep(0)
        assert tap.sent <= BUFFERED_CHUNKS + 3


async def test_an_app_that_fails_answers_500(client: httpx.AsyncClient) -> None:
    answer = await client.get("/broken")
    assert (answer.status_code, "not meant" in answer.text) == (500, False)


async def test_an_answer_that_breaks_off_is_not_taken_for_whole(client: httpx.AsyncClient) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        await client.get("/torn")


async def test_an_answer_that_does_not_come_times_out() -> None:
    async def silent(scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    async with httpx.AsyncClient(transport=LocalTransport(silent), base_url="http://local") as client:
        with pytest.raises(httpx.ReadTimeout):
            await client.get("/", timeout=0.01)
