"""Requests to stop an answer. They take effect at once, ahead of everything that is queued."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from storage.database import Database

# Recorded in place of a person when a newer message interrupts the answer.
NEWER_MESSAGE = "a newer message"
CHANNEL = "stops"


class Stop:
    """The request to stop one turn: whether it was made (`asked`), and by whom."""

    def __init__(self, by: str | None) -> None:
        self.asked = asyncio.Event()
        self.by = by
        self._acts: list[Callable[[], None]] = []
        if by:
            self.asked.set()

    def ask(self, by: str) -> None:
        self.by = self.by or by
        if not self.asked.is_set():
            self.asked.set()
            for act in self._acts:
                act()

    @contextmanager
    def does(self, act: Callable[[], None]) -> Iterator[None]:
        """While the block runs, call `act` when a stop is requested (at once if it already was).

        Cheaper than a task that waits for the request in every turn.
        """
        self._acts.append(act)
        try:
            if self.asked.is_set():
                act()
            yield
        finally:
            self._acts.remove(act)


class Stops:
    """The stop requests of the turns in progress in this process, and a way to reach other processes."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._working: dict[int, Stop] = {}
        self.next_end = asyncio.Event()

    async def heed(self) -> None:
        """Receive stop requests until cancelled."""
        async with self._db.listen(CHANNEL) as told:
            async for wishes in told:
                for wish in wishes:
                    turn, _, by = wish.partition(" ")
                    if stop := self._working.get(int(turn)):
                        stop.ask(by)

    def tell(self, turn: int, by: str) -> None:
        """Request that a turn stops. A process that begins the turn later reads the request from the database."""
        self._db.notify(CHANNEL, f"{turn} {by}")

    def begin(self, turn: int, by: str | None) -> Stop:
        """Register a turn in progress; `by` is who asked to stop it before it began."""
        self._working[turn] = Stop(by)
        return self._working[turn]

    def end(self, turn: int) -> None:
        """Unregister a turn that has ended here, and set the event `next_end` for those who wait."""
        del self._working[turn]
        ended, self.next_end = self.next_end, asyncio.Event()
        ended.set()
