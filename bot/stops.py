"""Who wants an answer to end: a wish that waits for nothing that is queued."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from storage.database import Database

# What stands for the person where nobody asked but a newer message does not wait.
NEWER_MESSAGE = "a newer message"
CHANNEL = "stops"


class Stop:
    """Whether the turn that is worked shall end, and who wants that."""

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
        """Within it, this is done once it is asked for, or at once where it was: a task that waits costs every turn."""
        self._acts.append(act)
        try:
            if self.asked.is_set():
                act()
            yield
        finally:
            self._acts.remove(act)


class Stops:
    """The turns that are worked in this process, and the way to all processes that work some."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._working: dict[int, Stop] = {}

    async def heed(self) -> None:
        """Hear what is told, until cancelled."""
        async with self._db.listen(CHANNEL) as told:
            async for wishes in told:
                for wish in wishes:
                    turn, _, by = wish.partition(" ")
                    if stop := self._working.get(int(turn)):
                        stop.ask(by)

    def tell(self, turn: int, by: str) -> None:
        """A turn shall end. Whoever begins to work it later reads that in the tables."""
        self._db.notify(CHANNEL, f"{turn} {by}")

    def begin(self, turn: int, by: str | None) -> Stop:
        """A turn is worked from now on; `by` is who wanted it to end before."""
        self._working[turn] = Stop(by)
        return self._working[turn]

    def end(self, turn: int) -> None:
        del self._working[turn]
