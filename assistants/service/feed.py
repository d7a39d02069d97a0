"""Delivers a run's events to its stream readers; a slow or closed reader never delays the run."""

import asyncio
from collections.abc import AsyncIterator

from assistants.contract import DoneEvent, RunStepEvent, StreamEvent
from assistants.service.tools.search_calls import shown


class Feed:
    """The events of one run. A reader receives every event from the moment it is attached."""

    def __init__(self) -> None:
        self._readers: set[Reader] = set()
        # Whether the client requested the text of search results.
        self.includes = False

    def attach(self) -> "Reader":
        reader = Reader(self)
        self._readers.add(reader)
        return reader

    def emit(self, *events: StreamEvent) -> None:
        if self._readers:
            self.tell("".join(as_told(event, content=self.includes).sse() for event in events))

    @property
    def read(self) -> bool:
        """Return whether there is a reader."""
        return bool(self._readers)

    def tell(self, text: str) -> None:
        """Deliver events that are already server-sent text."""
        for reader in self._readers:
            reader.put(text)

    def done(self) -> None:
        """End every reader's stream as the API does."""
        self.emit(DoneEvent())
        self.close()

    def close(self) -> None:
        """End every reader's stream without a `done` event, so that its client goes on by polling the run."""
        for reader in self._readers:
            reader.put(None)
        self._readers.clear()

    def detach(self, reader: "Reader") -> None:
        self._readers.discard(reader)


def as_told(event: StreamEvent, *, content: bool) -> StreamEvent:
    """Return the event as the API shows it; a stored step contains more than that."""
    if not isinstance(event, RunStepEvent):
        return event
    return RunStepEvent(event.event, shown(event.data, content=content))


class Reader:
    """One stream of a run's events as server-sent text. Pending events are sent together."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._waiting: list[str] = []
        self._ended = False
        self._news = asyncio.Event()

    def put(self, text: str | None) -> None:
        if text is None:
            self._ended = True
        else:
            self._waiting.append(text)
        self._news.set()

    async def __aiter__(self) -> AsyncIterator[str]:
        try:
            while self._waiting or not self._ended:
                await self._news.wait()
                self._news.clear()
                if self._waiting:
                    text, self._waiting = "".join(self._waiting), []
                    yield text
        finally:
            self._feed.detach(self)
