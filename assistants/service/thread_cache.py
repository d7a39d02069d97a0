"""Caches the messages that runs read, so that the next run on a thread reads only new ones."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from assistants.service.chat_messages import Chat
from assistants.service.tokens import Size
from storage import objects
from storage.database import Reader

MOST_BYTES = 64 * 1024 * 1024
# Memory overhead of a unit besides its text.
UNIT_BYTES = 600

Key = tuple[str, bool]


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of a prompt: a message, or everything a `run` did, at the place of its newest message.

    `seq` is the message's position. `rows` counts it and the newer messages already covered by another unit.
    """

    seq: int
    rows: int
    run: str | None
    chat: Chat
    sizes: Sequence[Size]


@dataclass(frozen=True, slots=True)
class Held:
    """The newest units of a thread, newest first; `whole` if there are no others."""

    units: Sequence[Unit]
    whole: bool

    @property
    def newest(self) -> int:
        return self.units[0].seq

    @property
    def oldest(self) -> int:
        return self.units[-1].seq

    @property
    def bytes(self) -> int:
        return sum(UNIT_BYTES + size[0] for unit in self.units for size in unit.sizes)


class Recent:
    """A size-limited LRU cache of threads."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most = most_bytes
        self._bytes = 0
        self._held: OrderedDict[Key, tuple[Held, int]] = OrderedDict()

    async def of(self, db: Reader, key: Key) -> Held | None:
        """Return a thread's cached units if they are still valid: ended messages may be deleted but never change."""
        if key not in self._held:
            return None
        held, _ = self._held[key]
        if await objects.messages_between(db, key[0], held.oldest, held.newest) != sum(u.rows for u in held.units):
            self._drop(key)
            return None
        return held

    def keep(self, key: Key, held: Held) -> None:
        self._drop(key)
        size = held.bytes
        if size > self._most:
            return
        self._held[key] = held, size
        self._bytes += size
        while self._bytes > self._most:
            self._drop(next(iter(self._held)))

    def forget(self, thread_id: str) -> None:
        """Drop the cache of a deleted thread."""
        for calls in (False, True):
            self._drop((thread_id, calls))

    def _drop(self, key: Key) -> None:
        _, size = self._held.pop(key, (None, 0))
        self._bytes -= size
