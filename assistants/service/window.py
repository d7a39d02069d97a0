"""Reads a thread from its end, as far back as there is room; what is older costs nothing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from assistants.service import chatting
from assistants.service.chatting import Chat
from assistants.service.tokens import Gauge
from storage import objects
from storage.database import Reader, Row

# The first look is small, since most threads are; the next ones are as large as the room that is left, in messages of
# the size seen so far.
FIRST_LOOK, LEAST, MOST = 40, 20, 5_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a run wants of its thread: at most so many tokens and messages; the calls of earlier runs or not."""

    thread_id: str
    run_id: str
    tokens: int
    messages: int | None = None
    calls: bool = False


async def read(db: Reader, wanted: Wanted, gauge: Gauge) -> tuple[Chat, int]:
    """The newest messages that fit, the oldest of them first, and their tokens. The newest one is always there.

    A run's calls stay with their outputs: they fit together or only what was said is kept.
    """
    units: list[Chat] = []
    spent, looked, below = 0, 0, None
    told: set[str] = set()
    while True:
        limit = FIRST_LOOK if below is None else _look(wanted.tokens - spent, spent, looked)
        if wanted.messages is not None:
            limit = min(limit, wanted.messages - looked)
        if limit <= 0:
            break
        rows = await objects.messages_before(db, wanted.thread_id, below, limit, but_of=wanted.run_id)
        callers = await _callers(db, rows) if wanted.calls else {}
        for row in rows:
            if row["run_id"] in told:
                continue
            unit, cost = _fitting(_unit(row, callers, told), gauge, wanted.tokens - spent)
            if cost > wanted.tokens - spent and units:
                return _joined(units), spent
            if unit:
                units.append(unit)
                spent += cost
        if len(rows) < limit:
            break
        looked, below = looked + len(rows), rows[-1]["seq"]
    return _joined(units), spent


def _look(room: int, spent: int, looked: int) -> int:
    """How many messages to read next."""
    return min(max(room * looked // max(spent, 1), LEAST), MOST)


async def _callers(db: Reader, rows: Sequence[Row]) -> dict[str, Chat]:
    """The earlier runs among the authors of these messages that called functions, and what each did."""
    runs = {row["run_id"] for row in rows if row["run_id"] is not None}
    steps = await objects.steps_of_callers(db, runs) if runs else []
    if not steps:
        return {}
    callers = {step["run_id"] for step in steps}
    messages = {row["id"]: row for row in await objects.messages_of(db, callers)}
    return {run: chatting.did([step for step in steps if step["run_id"] == run], messages) for run in callers}


def _unit(row: Row, callers: dict[str, Chat], told: set[str]) -> Chat:
    """What belongs together: a message, or all that a run did, whose newest message this is."""
    if row["run_id"] in callers:
        told.add(row["run_id"])
        return callers[row["run_id"]]
    message = chatting.said(row)
    return [message] if message else []


def _fitting(unit: Chat, gauge: Gauge, room: int) -> tuple[Chat, int]:
    if len(unit) == 1:
        return unit, gauge.tokens(unit[0])
    cost = sum(map(gauge.tokens, unit))
    if cost > room:
        unit = chatting.words_of(unit)
        cost = sum(map(gauge.tokens, unit))
    return unit, cost


def _joined(units: Iterable[Chat]) -> Chat:
    return [message for unit in reversed(list(units)) for message in unit]
