"""Keeps what runs read of their threads, so that the next run on a thread reads only what is new in it."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from assistants.service.chat_messages import Chat
from assistants.service.tokens import Size
from storage import objects
from storage.database import Reader

MOST_BYTES = 64 * 1024 * 1024
# What a unit takes in memory beside its text.
UNIT_BYTES = 600

Key = tuple[str, bool]


@dataclass(frozen=True, slots=True)
class Unit:
    """What stays together in a prompt: a message, or all that a `run` did whose newest message it is.

    `seq` is the message's place in the thread. `rows` counts it and those newer ones that another unit told already.
    """

    seq: int
    rows: int
    run: str | None
    chat: Chat
    sizes: Sequence[Size]


@dataclass(frozen=True, slots=True)
class Held:
    """The newest units of a thread as they were read, the newest first; `whole` if there are no others."""

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
    """What was read last, up to a number of bytes; the thread that was not asked for longest goes first."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most = most_bytes
        self._bytes = 0
        self._held: OrderedDict[Key, tuple[Held, int]] = OrderedDict()

    async def of(self, db: Reader, key: Key) -> Held | None:
        """What is held of a thread, if it still stands there so: messages that have ended may go but never change."""
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
        """Drop what is held of a thread that is no more."""
        for calls in (False, True):
            self._drop((thread_id, calls))

    def _drop(self, key: Key) -> None:
        _, size = self._held.pop(key, (None, 0))
        self._bytes -= size
