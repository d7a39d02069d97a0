"""Hands a run's events to whoever reads them; a reader that is slow, or gone, never holds the run back."""

import asyncio
from collections.abc import AsyncIterator

from assistants.contract import DoneEvent, RunStepEvent, StreamEvent
from assistants.service.tools.search_calls import shown


class Feed:
    """The events of one run. A reader gets every event from the moment it was attached."""

    def __init__(self) -> None:
        self._readers: set[Reader] = set()
        # Whether the text of what searches found was asked for.
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
        """Whether anybody reads."""
        return bool(self._readers)

    def tell(self, text: str) -> None:
        """Hand on events that are server-sent text already."""
        for reader in self._readers:
            reader.put(text)

    def done(self) -> None:
        """End every reader's stream as the API does."""
        self.emit(DoneEvent())
        self.close()

    def close(self) -> None:
        """End every reader's stream without a word: what follows is read from the run itself."""
        for reader in self._readers:
            reader.put(None)
        self._readers.clear()

    def detach(self, reader: "Reader") -> None:
        self._readers.discard(reader)


def as_told(event: StreamEvent, *, content: bool) -> StreamEvent:
    """The event as the API tells it: a step keeps more than that."""
    if not isinstance(event, RunStepEvent):
        return event
    return RunStepEvent(event.event, shown(event.data, content=content))


class Reader:
    """One stream of a run's events as server-sent text. What waits goes out at once: never more than the run says."""

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
