"""Reads the newest messages of a thread that fit into a prompt; older messages cost nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

from assistants.service import chat_messages
from assistants.service.chat_messages import Chat
from assistants.service.thread_cache import Held, Recent, Unit
from assistants.service.tokens import Gauge, measured
from storage import objects
from storage.database import Reader, Row

# The first read is small because most threads are. Later reads are sized to the remaining room, given the average
# message so far.
FIRST_LOOK, LEAST, MOST = 40, 20, 5_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a run needs of its thread: limits on tokens and messages, and whether to include calls of earlier runs."""

    thread_id: str
    run_id: str
    tokens: int
    messages: int | None = None
    calls: bool = False


async def read(db: Reader, wanted: Wanted, gauge: Gauge, recent: Recent) -> tuple[Chat, int]:
    """Return the newest messages that fit, oldest first, and their tokens. The newest message is always included.

    A run's calls and outputs are included together, or only its messages if they do not fit.
    """
    key = wanted.thread_id, wanted.calls
    source = _Source(db, wanted, None if wanted.messages else await recent.of(db, key))
    talk = _Talk(gauge, wanted.tokens)
    fits = True
    while fits and not source.ended:
        fits = all(map(talk.take, await source.more(talk)))
    # Caching a thread that takes a single read would save nothing.
    if len(talk.units) >= FIRST_LOOK and wanted.messages is None:
        recent.keep(key, Held(talk.units, whole=fits))
    return talk.chat, talk.spent


class _Talk:
    """The messages that fit so far."""

    def __init__(self, gauge: Gauge, room: int) -> None:
        self._gauge = gauge
        self._room = room
        self._chats: list[Chat] = []
        self.spent = 0
        self.units: list[Unit] = []

    @property
    def left(self) -> int:
        return self._room - self.spent

    @property
    def chat(self) -> Chat:
        return [message for chat in reversed(self._chats) for message in chat]

    def take(self, unit: Unit) -> bool:
        """Prepend a unit. Return False when it does not fit."""
        chat, cost = self._fitting(unit)
        if cost > self.left and self._chats:
            return False
        if chat:
            self._chats.append(chat)
            self.spent += cost
        self.units.append(unit)
        return True

    def _fitting(self, unit: Unit) -> tuple[Chat, int]:
        # Fast path: nearly all units are one message, and a full window has a thousand.
        if len(unit.sizes) == 1:
            return unit.chat, self._gauge.cost(unit.sizes[0])
        cost = sum(map(self._gauge.cost, unit.sizes))
        if cost <= self.left:
            return unit.chat, cost
        words = chat_messages.words_of(unit.chat)
        return words, sum(map(self._gauge.tokens, words))


class _Source:
    """A thread's units, newest first: new ones from the database, cached ones, then older ones from the database."""

    def __init__(self, db: Reader, wanted: Wanted, held: Held | None) -> None:
        self._db = db
        self._wanted = wanted
        self._held = held
        self._told = {unit.run for unit in held.units if unit.run} if held else set()
        self._looked = 0
        self._below: int | None = None
        self.ended = False

    async def more(self, talk: _Talk) -> list[Unit]:
        limit = FIRST_LOOK if self._below is None else self._look(talk)
        if self._wanted.messages is not None:
            limit = min(limit, self._wanted.messages - self._looked)
        rows = await objects.messages_before(
            self._db,
            self._wanted.thread_id,
            self._below,
            limit,
            but_of=self._wanted.run_id,
            above=self._held.newest if self._held else None,
        )
        self._looked += len(rows)
        self._below = rows[-1]["seq"] if rows else self._below
        units = await self._units(rows)
        if len(rows) < limit:
            units += self._through_what_is_held()
        elif self._looked == self._wanted.messages:
            self.ended = True
        return units

    def _look(self, talk: _Talk) -> int:
        """Return how many messages to read next."""
        return min(max(talk.left * self._looked // max(talk.spent, 1), LEAST), MOST)

    def _through_what_is_held(self) -> Sequence[Unit]:
        """Return the cached units once everything newer was read; without a cache the thread is read completely."""
        if self._held is None:
            self.ended = True
            return ()
        held, self._held = self._held, None
        self._looked += len(held.units)
        self._below, self.ended = held.oldest, held.whole
        return held.units

    async def _units(self, rows: Sequence[Row]) -> list[Unit]:
        callers = await _callers(self._db, rows) if self._wanted.calls else {}
        units: list[Unit] = []
        told = 0
        for row in rows:
            if row["run_id"] in self._told:
                told += 1
                continue
            units.append(_unit(row, callers, 1 + told))
            told = 0
            if row["run_id"] in callers:
                self._told.add(row["run_id"])
        return units


async def _callers(db: Reader, rows: Sequence[Row]) -> dict[str, Chat]:
    """Return the messages and calls of each earlier run that called functions and wrote one of these messages."""
    runs = {row["run_id"] for row in rows if row["run_id"] is not None}
    steps = await objects.steps_of_callers(db, runs) if runs else []
    if not steps:
        return {}
    callers = {step["run_id"] for step in steps}
    messages = {row["id"]: row for row in await objects.messages_of(db, callers)}
    return {run: chat_messages.did([step for step in steps if step["run_id"] == run], messages) for run in callers}


def _unit(row: Row, callers: dict[str, Chat], rows: int) -> Unit:
    if row["run_id"] in callers:
        run, chat = row["run_id"], callers[row["run_id"]]
    else:
        message = chat_messages.said(row)
        run, chat = None, [message] if message else []
    return Unit(row["seq"], rows, run, chat, [measured(message) for message in chat])
