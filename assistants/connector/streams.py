"""A run's events as they come, typed, to the end of the run or an error that says where to go on."""

import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

import httpx

from assistants.connector import lenient, sse
from assistants.connector.errors import (
    AssistantsError,
    ProtocolError,
    StreamBroken,
    StreamFailedError,
    excerpt,
    not_spoken,
)
from assistants.connector.exchange import Exchange
from assistants.contract import EVENTS, DoneEvent, OtherEvent, Request, Run, RunEvent, StreamEvent, ThreadEvent


class RunStream:
    """The events of one run, and what is known of it so far: `async with` it, then `async for` over it.

    Entering sends the request. It ends after the server's `done`; ending in any other way raises `StreamBroken` with
    the run's id. Leaving early closes the connection; the run goes on at the server.
    """

    def __init__(self, exchange: Exchange, path: str, body: Request, *, thread_id: str | None = None) -> None:
        self.thread_id = thread_id
        self.run: Run | None = None
        self._exchange = exchange
        self._path = path
        self._body = body
        self._open = AsyncExitStack()
        self._events: AsyncIterator[StreamEvent] | None = None

    async def __aenter__(self) -> Self:
        response = await self._open.enter_async_context(self._exchange.stream(self._path, self._body))
        try:
            await self._is_stream(response)
        except BaseException:
            await self._open.aclose()
            raise
        events = self._read(response)
        self._open.push_async_callback(events.aclose)
        self._events = events
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._open.aclose()

    def __aiter__(self) -> AsyncIterator[StreamEvent]:
        if self._events is None:
            raise RuntimeError("A stream is read inside of its `async with`.")
        return self._events

    async def _is_stream(self, response: httpx.Response) -> None:
        if response.headers.get("content-type", "").startswith("text/event-stream"):
            return
        with self._exchange.errors():
            raw = await response.aread()
        try:
            self.run = lenient.read(Run, raw)
        except ValueError:
            raise self._exchange.safe(not_spoken(response, host=self._exchange.host)) from None
        raise self._broken("answered with a run instead of its stream")

    async def _read(self, response: httpx.Response) -> AsyncGenerator[StreamEvent, None]:
        decoder = sse.Decoder()
        try:
            async for chunk in response.aiter_bytes():
                for name, data in decoder.feed(chunk):
                    event = self._event(name, data)
                    if isinstance(event, DoneEvent):
                        return
                    yield event
        except httpx.RequestError as error:
            raise self._broken("broke off") from error
        if not any(isinstance(self._event(name, data), DoneEvent) for name, data in decoder.end()):
            raise self._broken("ended before its time")

    def _event(self, name: str, data: bytes) -> StreamEvent:
        if name == "done" or data.startswith(b"[DONE]"):
            return DoneEvent()
        if name not in EVENTS:
            return self._other(name, data)
        kind, model = EVENTS[name]
        try:
            event = kind(name, lenient.read(model, data))
        except ValueError:
            raise self._unreadable(name, data) from None
        self._note(event)
        return event

    def _other(self, name: str, data: bytes) -> StreamEvent:
        try:
            said = json.loads(data) if data else None
        except ValueError:
            if name != "error":
                raise self._unreadable(name, data) from None
            said = None
        if name == "error" or (isinstance(said, dict) and said.get("error")):
            raise self._failed(data)
        return OtherEvent(name, said)

    def _note(self, event: StreamEvent) -> None:
        if isinstance(event, RunEvent):
            self.run, self.thread_id = event.data, event.data.thread_id
        elif isinstance(event, ThreadEvent):
            self.thread_id = event.data.id

    def _failed(self, data: bytes) -> AssistantsError:
        detail = lenient.error_detail(data)
        message = detail.message if detail else excerpt(data)
        return self._exchange.safe(
            StreamFailedError(
                f"{self._exchange.host} broke off the run's stream: {message}",
                thread_id=self.thread_id,
                run_id=self.run.id if self.run else None,
                code=detail.code if detail else None,
                param=detail.param if detail else None,
            )
        )

    def _broken(self, how: str) -> StreamBroken:
        at = f"run {self.run.id}" if self.run else "the run"
        return StreamBroken(
            f"The stream of {at} from {self._exchange.host} {how}.",
            thread_id=self.thread_id,
            run_id=self.run.id if self.run else None,
        )

    def _unreadable(self, name: str, data: bytes) -> AssistantsError:
        return self._exchange.safe(
            ProtocolError(f"{self._exchange.host} sent an event {name!r} that cannot be read: {excerpt(data)}.")
        )
