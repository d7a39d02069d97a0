"""Streams a run's typed events to the end of the run, recovering when the connection breaks."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, suppress
from types import TracebackType
from typing import Any, Self

import httpx

from assistants.connector import lenient, sse
from assistants.connector.accumulator import Accumulator, Snapshot
from assistants.connector.connection import Ask
from assistants.connector.errors import (
    AssistantsError,
    ProtocolError,
    StreamBroken,
    StreamFailedError,
)
from assistants.connector.exchange import Exchange
from assistants.connector.recovery import is_final, rest
from assistants.connector.refusals import excerpt, not_spoken
from assistants.contract import (
    EVENTS,
    MessageDeltaEvent,
    OtherEvent,
    Request,
    Run,
    RunEvent,
    StreamEvent,
    ThreadEvent,
)

# How long to wait for the end of the response after `done`: only a fully read connection can be reused.
FAREWELL = 0.05
# How long to wait for the end of a run whose stream broke; a run expires after ten minutes.
RECOVERY = 660.0


class RunStream:
    """The events of one run, and its state so far: `async with` it, then `async for` over it.

    Entering sends the request. If the stream breaks, the run is polled until it ends and the missing events are
    produced: no text is lost, and no second run is created. `StreamBroken` is raised only if the run is not known yet
    or cannot be reached either. Leaving early closes the connection; the run continues on the server.
    """

    def __init__(
        self,
        exchange: Exchange,
        path: str,
        body: Request,
        *,
        thread_id: str | None = None,
        run_id: str | None = None,
        query: Mapping[str, Any] | None = None,
    ) -> None:
        self.thread_id = thread_id
        self.run_id = run_id
        self.recovered = False
        self._known = Accumulator()
        self._done = False
        self._exchange = exchange
        self._ask = Ask("POST", path, query or {}, body, creates=True, accept="text/event-stream", patient=True)
        self._open = AsyncExitStack()
        self._events: AsyncIterator[StreamEvent] | None = None

    @property
    def run(self) -> Run | None:
        """Return the run's latest known state."""
        return self._known.run

    @property
    def snapshot(self) -> Snapshot:
        """Return the state after all events so far: the run, its messages and its steps."""
        return self._known.snapshot

    async def snapshots(self) -> AsyncIterator[tuple[StreamEvent, Snapshot]]:
        """Yield each event with the state after it."""
        async for event in self:
            yield event, self._known.snapshot

    async def texts(self) -> AsyncIterator[str]:
        """Yield the text as it arrives."""
        async for event in self:
            if isinstance(event, MessageDeltaEvent) and event.data.text:
                yield event.data.text

    async def final(self) -> Snapshot:
        """Read to the end. Return the final state."""
        async for _ in self:
            pass
        return self._known.snapshot

    async def __aenter__(self) -> Self:
        response = await self._open.enter_async_context(self._exchange.stream(self._ask))
        try:
            streams = await self._is_stream(response)
        except BaseException:
            await self._open.aclose()
            raise
        events = self._to_the_end(response if streams else None)
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

    async def _is_stream(self, response: httpx.Response) -> bool:
        """Return whether the response is a stream; some servers return the run instead, which is then polled."""
        if response.headers.get("content-type", "").startswith("text/event-stream"):
            return True
        with self._exchange.errors():
            raw = await response.aread()
        try:
            run = lenient.read(Run, raw)
        except ValueError:
            raise self._exchange.safe(not_spoken(response, host=self._exchange.host)) from None
        self._note(RunEvent(f"thread.run.{run.status}", run))
        return False

    async def _to_the_end(self, response: httpx.Response | None) -> AsyncGenerator[StreamEvent, None]:
        broken = None
        if response is not None:
            try:
                async for events in self._live(response):
                    for event in events:
                        yield event
            except StreamFailedError:
                raise
            except StreamBroken as error:
                broken = error
            if is_final(self.run) or (broken is None and self.run_id is None):
                return
        broken = broken or self._broken("did not bring its end")
        if self.thread_id is None or self.run_id is None:
            raise broken
        self.recovered = True
        try:
            async for event in rest(self._exchange, self._known, self.thread_id, self.run_id, deadline=RECOVERY):
                self._note(event)
                yield event
        except AssistantsError as error:
            raise broken from error

    async def _live(self, response: httpx.Response) -> AsyncGenerator[Iterator[StreamEvent], None]:
        """Yield the events of each received chunk. Ends after `done`, or raises `StreamBroken`."""
        decoder = sse.Decoder()
        try:
            chunks = response.aiter_bytes()
            async for chunk in chunks:
                if found := decoder.feed(chunk):
                    yield self._told(found)
                    if self._done:
                        await _farewell(chunks)
                        return
        except httpx.RequestError as error:
            raise self._broken("broke off") from error
        if not decoder.end():
            raise self._broken("ended before its time")

    def _told(self, found: list[sse.Event]) -> Iterator[StreamEvent]:
        for name, data in found:
            if name == "done" or data.startswith(b"[DONE]"):
                self._done = True
                return
            yield self._event(name, data)

    def _event(self, name: str, data: bytes) -> StreamEvent:
        if name not in EVENTS:
            return self._other(name, data)
        kind, model = EVENTS[name]
        try:
            event = kind(name, lenient.read(model, data))
        except ValueError:
            raise self._unreadable(name, data) from None
        self._note(event, data)
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

    def _note(self, event: StreamEvent, said: bytes | None = None) -> None:
        self._known.take(event, said)
        if isinstance(event, MessageDeltaEvent):
            return
        if isinstance(event, RunEvent):
            self.run_id, self.thread_id = event.data.id, event.data.thread_id
        elif isinstance(event, ThreadEvent):
            self.thread_id = event.data.id

    def _failed(self, data: bytes) -> AssistantsError:
        detail = lenient.error_detail(data)
        message = detail.message if detail else excerpt(data)
        return self._exchange.safe(
            StreamFailedError(
                f"{self._exchange.host} broke off the run's stream: {message}",
                thread_id=self.thread_id,
                run_id=self.run_id,
                code=detail.code if detail else None,
                param=detail.param if detail else None,
            )
        )

    def _broken(self, how: str) -> StreamBroken:
        at = f"run {self.run_id}" if self.run_id else "the run"
        return StreamBroken(
            f"The stream of {at} from {self._exchange.host} {how}.",
            thread_id=self.thread_id,
            run_id=self.run_id,
        )

    def _unreadable(self, name: str, data: bytes) -> AssistantsError:
        return self._exchange.safe(
            ProtocolError(f"{self._exchange.host} sent an event {name!r} that cannot be read: {excerpt(data)}.")
        )


async def _farewell(chunks: AsyncIterator[bytes]) -> None:
    with suppress(httpx.RequestError, TimeoutError):
        async with asyncio.timeout(FAREWELL):
            async for _ in chunks:
                pass
