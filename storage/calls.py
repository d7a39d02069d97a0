"""Function calls that a turn's runs request: when each started, whether it was allowed, and its output."""

from collections.abc import Sequence
from dataclasses import dataclass

from storage.database import Database, Row, Transaction
from storage.records import Record
from storage.schema import TELLING_CALL
from storage.turns import SupersededError


@dataclass(frozen=True, slots=True)
class Call(Record):
    """A function call. `verdict` is `allowed` or `refused`; `decided_by` is who decided.

    A call that was started and has no output was running when its process died.
    """

    run_id: str
    call_id: str
    turn: int
    function: str
    arguments: str
    asked_at: float
    verdict: str | None
    decided_by: str | None
    started_at: float | None = None
    output: str | None = None
    done_at: float | None = None


def begin(tx: Transaction, attempts: int, calls: Sequence[Call]) -> list[Call | None]:
    """Record a turn's calls before any of them starts. Return the earlier record of each call, None for a new one.

    Raises `SupersededError`.
    """
    _fence(tx, calls[0].turn, attempts)
    return [_begin(tx, call) for call in calls]


def end(tx: Transaction, attempts: int, call: Call) -> None:
    """Record a call's output before it is submitted to the run. Raises `SupersededError`."""
    _fence(tx, call.turn, attempts)
    tx.upsert("calls", _row(call), key=("run_id", "call_id"))


async def refused(db: Database, turn: int) -> list[str]:
    """Return the functions that a turn was not allowed to call, in the order of their first call."""
    rows = await db.read(
        "select function from calls where turn = :turn and verdict = 'refused'"
        " group by function order by min(asked_at), function",
        turn=turn,
    )
    return [str(row["function"]) for row in rows]


async def to_blank(db: Database, limit: int) -> list[int]:
    """Return ended turns whose calls still hold arguments or outputs."""
    rows = await db.read(
        f"select distinct c.turn from calls c where {TELLING_CALL}"  # noqa: S608 - a constant
        " and (select t.outcome from turns t where t.id = c.turn) is not null limit :limit",
        limit=limit,
    )
    return [int(row["turn"]) for row in rows]


def blank(tx: Transaction, turns: Sequence[int]) -> None:
    """Blank the arguments and outputs of these turns' calls, which the runs keep. The rows stay."""
    for turn in turns:
        tx.execute("update calls set arguments = '', output = null where turn = :turn", turn=turn)


def forget(tx: Transaction, before: float, limit: int) -> int:
    """Delete at most `limit` calls of ended turns, requested before then. Return how many were deleted."""
    return tx.execute(
        "delete from calls where rowid in (select c.rowid from calls c join turns t on t.id = c.turn"
        " where c.asked_at < :before and t.outcome is not null limit :limit)",
        before=before,
        limit=limit,
    )


def _begin(tx: Transaction, call: Call) -> Call | None:
    found = tx.query("select * from calls where run_id = :run and call_id = :id", run=call.run_id, id=call.call_id)
    known = Call.of(found[0]) if found else None
    # Some models reuse one id for every call: a call is the same only if it also has the same function and arguments.
    if known is not None and (known.function, known.arguments) == (call.function, call.arguments):
        return known
    tx.upsert("calls", _row(call), key=("run_id", "call_id"))
    return None


def _row(call: Call) -> Row:
    return {name: getattr(call, name) for name in Call.__dataclass_fields__}


def _fence(tx: Transaction, turn: int, attempts: int) -> None:
    if not tx.query("select 1 as one from turns where id = :id and attempts = :attempts", id=turn, attempts=attempts):
        raise SupersededError(f"turn {turn} was taken over by another process")
