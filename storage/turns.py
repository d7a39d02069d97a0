"""The lifecycle of a turn in the database: queueing, fencing superseded processes, ending."""

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from storage.database import Database, Row, Transaction, urgent
from storage.records import Conversation, IncomingRow, Part, TurnRow

# Messages that wait for a turn. The condition matches the partial index.
WAITING = (
    "select id, author from incoming where conversation = :c and turn is null and kind = 'message'"
    " order by position, id limit :limit"
)
TAKE_UP = (
    "update incoming set turn = :turn where conversation = :c and turn is null and kind = 'message'"
    " and (:only is null or id = :only)"
)
# Whether a conversation has work, in one query; both parts use partial indexes.
QUEUE = (
    "select (select min(id) from turns where conversation = :c and outcome is null) as open,"
    " exists (select 1 from incoming where conversation = :c and turn is null and kind = 'message') as waits"
)
OPEN = "select id from turns where conversation = :c and outcome is null order by id limit 1"
PARTS = "select * from parts where turn = :turn order by number"
INCOMING = "select * from incoming where turn = :turn order by position, id"


class SupersededError(Exception):
    """Another process took this turn over; this process must abandon its work on it."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A turn to work on, with the rows that its work starts from.

    `suspect` means that an earlier attempt may have done part of the work. `chosen` is the assistant its author picked
    for themselves; it applies when the conversation has none. `maybe_asked` means that an earlier turn may
    already have posted these messages to the thread: it ended before its run was known.
    """

    turn: TurnRow
    conversation: Conversation
    incoming: tuple[IncomingRow, ...]
    parts: tuple[Part, ...]
    chosen: str | None
    suspect: bool
    maybe_asked: bool = True


@dataclass(frozen=True, slots=True)
class Queue:
    """A conversation's work: the open turn, and whether messages wait for a turn."""

    open: int | None
    waits: bool


def queue_of(tx: Transaction, conversation: int) -> Queue:
    row = _one(tx, QUEUE, c=conversation)
    return Queue(row["open"], bool(row["waits"]))


def open_next(tx: Transaction, conversation: int, now: float, *, one: bool = False) -> Opened | None:
    """Return the turn to work on: the open one, taken over, or a new one for waiting messages. None when idle.

    A new turn takes every waiting message, or with `one` only the first.
    """
    state = queue_of(tx, conversation)
    if state.open is not None:
        sql = "update turns set attempts = attempts + 1 where id = :id returning *"
        return replace(package(tx, TurnRow.of(_one(tx, sql, id=state.open))), suspect=True)
    if not state.waits:
        return None
    waiting = tx.query(WAITING, c=conversation, limit=1 if one else -1)
    turn = insert_turn(tx, conversation, "message", waiting[-1]["author"], now)
    tx.execute(TAKE_UP, turn=turn.id, c=conversation, only=waiting[0]["id"] if one else None)
    return package(tx, turn)


@urgent
def ask_to_stop(tx: Transaction, turn: int, by: str) -> bool:
    """Record a request to stop a turn. Return False when the turn has already ended."""
    changed = tx.execute(
        "update turns set stopped_by = coalesce(stopped_by, :by) where id = :id and outcome is null", by=by, id=turn
    )
    return changed == 1


def regenerate(tx: Transaction, conversation: int, author: str, now: float) -> Opened | Literal["busy", "nothing"]:
    """Open a turn that answers the last question again, or return why that is impossible."""
    state = queue_of(tx, conversation)
    if state.open is not None or state.waits:
        return "busy"
    last = tx.query("select * from turns where conversation = :c order by id desc limit 1", c=conversation)
    if not last:
        return "nothing"
    redone = TurnRow.of(last[0])
    turn = insert_turn(tx, conversation, "regenerate", author, now)
    if redone.run_id is None:
        # The thread never received these messages, so this turn must post them.
        tx.execute("update incoming set turn = :turn where turn = :redone", turn=turn.id, redone=redone.id)
    redoes = redone.id if redone.run_id or redone.redoes is None else redone.redoes
    tx.execute("update turns set redoes = :redoes where id = :id", redoes=redoes, id=turn.id)
    return package(tx, replace(turn, redoes=redoes))


def record_run(tx: Transaction, turn: int, attempts: int, assistant: str, run_id: str, *, stays: bool) -> str | None:
    """Record which assistant answers, and in which run. With `stays` the conversation keeps the assistant.

    Return who asked in the meantime to stop the turn, if anybody. Raises `SupersededError`.
    """
    rows = tx.query(
        "update turns set assistant = :assistant, run_id = :run_id where id = :id and attempts = :attempts"
        " returning stopped_by, conversation",
        id=turn,
        attempts=attempts,
        assistant=assistant,
        run_id=run_id,
    )
    _fenced(len(rows), turn)
    if stays:
        tx.execute(
            "update conversations set assistant = :assistant where id = :id and assistant is null",
            id=rows[0]["conversation"],
            assistant=assistant,
        )
    return _text(rows[0]["stopped_by"])


def keep_notices(tx: Transaction, turn: int, attempts: int, notices: Sequence[str]) -> None:
    """Record what people must be told below the answer, for an attempt that repeats this one.

    Raises `SupersededError`.
    """
    kept = tx.execute(
        "update turns set notices = :notices where id = :id and attempts = :attempts",
        id=turn,
        attempts=attempts,
        notices=json.dumps(notices),
    )
    _fenced(kept, turn)


def record_failure(tx: Transaction, turn: int, attempts: int, error: str, *, counts: bool = True) -> TurnRow:
    """Record a failed attempt with its reason for operators, counted or not. Return the turn with its failures.

    Raises `SupersededError`.
    """
    rows = tx.query(
        "update turns set failures = failures + :counts, error = :error where id = :id and attempts = :attempts"
        " returning *",
        id=turn,
        attempts=attempts,
        error=error,
        counts=int(counts),
    )
    _fenced(len(rows), turn)
    return TurnRow.of(rows[0])


def keep_part(tx: Transaction, turn: int, attempts: int, number: int, ref: str, state: str) -> None:
    """Record a platform message of a reply. Raises `SupersededError`."""
    kept = tx.execute(
        "insert into parts (turn, number, ref, state) select id, :number, :ref, :state from turns"
        " where id = :turn and attempts = :attempts"
        " on conflict (turn, number) do update set ref = excluded.ref, state = excluded.state",
        turn=turn,
        attempts=attempts,
        number=number,
        ref=ref,
        state=state,
    )
    _fenced(kept, turn)


@dataclass(frozen=True, slots=True)
class Ending:
    """How a turn ended, with the reason shown to people.

    `unasked` means that its messages never reached the thread, so the next turn must ask them.
    """

    outcome: Literal["answered", "stopped", "failed"]
    reason: str | None = None
    error: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    unasked: bool = False


def close_turn(tx: Transaction, turn: TurnRow, ending: Ending, now: float, *, one: bool = False) -> Opened | None:
    """End a turn and open the next one if messages wait. Message texts that the thread has are blanked.

    `one` as in `open_next`. Raises `SupersededError`.
    """
    rows = tx.query(
        "update turns set outcome = :outcome, reason = :reason, error = coalesce(:error, error),"
        " prompt_tokens = :prompt_tokens, completion_tokens = :completion_tokens, done_at = :now, notices = null"
        " where id = :id and attempts = :attempts and outcome is null returning run_id",
        id=turn.id,
        attempts=turn.attempts,
        outcome=ending.outcome,
        reason=ending.reason,
        error=ending.error,
        prompt_tokens=ending.prompt_tokens,
        completion_tokens=ending.completion_tokens,
        now=now,
    )
    _fenced(len(rows), turn.id)
    if rows[0]["run_id"] is not None:
        tx.execute("update incoming set body = null, reply_to = null where turn = :id", id=turn.id)
    elif ending.unasked:
        tx.execute("update incoming set turn = null where turn = :id", id=turn.id)
    following = open_next(tx, turn.conversation, now, one=one)
    return following and replace(following, maybe_asked=rows[0]["run_id"] is None)


async def parts_of(db: Database, turn: int) -> tuple[Part, ...]:
    return tuple(Part.of(row) for row in await db.read(PARTS, turn=turn))


async def parts_before(db: Database, turn: TurnRow) -> tuple[Part, ...]:
    """Return the parts of the conversation's previous reply."""
    rows = await db.read(
        "select p.* from parts p where p.turn = (select t.id from turns t where t.conversation = :c and t.id < :turn"
        " and exists (select 1 from parts where turn = t.id) order by t.id desc limit 1)",
        c=turn.conversation,
        turn=turn.id,
    )
    return tuple(Part.of(row) for row in rows)


async def by_id(db: Database, turn: int) -> TurnRow | None:
    rows = await db.read("select * from turns where id = :id", id=turn)
    return TurnRow.of(rows[0]) if rows else None


async def before(db: Database, turn: TurnRow) -> TurnRow | None:
    """Return the conversation's previous turn."""
    rows = await db.read(
        "select * from turns where conversation = :c and id < :id order by id desc limit 1",
        c=turn.conversation,
        id=turn.id,
    )
    return TurnRow.of(rows[0]) if rows else None


async def open_turn(db: Database, conversation: int) -> int | None:
    """Return the conversation's open turn."""
    rows = await db.read(OPEN, c=conversation)
    return int(rows[0]["id"]) if rows else None


async def latest(db: Database, conversation: int, limit: int) -> list[TurnRow]:
    """Return the last turns of a conversation, oldest first."""
    rows = await db.read(
        "select * from turns where conversation = :c order by id desc limit :limit", c=conversation, limit=limit
    )
    return [TurnRow.of(row) for row in reversed(rows)]


async def incoming_since(db: Database, conversation: int, turns: Sequence[TurnRow]) -> list[IncomingRow]:
    """Return the messages of these turns and those still waiting for a turn, in order."""
    first = turns[0].id if turns else 0
    rows = await db.read(
        "select * from incoming where conversation = :c and turn is null and kind = 'message'"
        " union all select i.* from incoming i join turns t on t.id = i.turn"
        " where t.conversation = :c and t.id >= :first"
        " order by position, id",
        c=conversation,
        first=first,
    )
    return [IncomingRow.of(row) for row in rows]


def insert_turn(tx: Transaction, conversation: int, cause: str, author: str, now: float) -> TurnRow:
    """Open a turn. The process that inserts it owns its first attempt."""
    row = tx.query(
        "insert into turns (tag, conversation, cause, author, attempts, failures, opened_at)"
        " values (:tag, :c, :cause, :author, 1, 0, :now) returning *",
        tag=secrets.token_hex(6),
        c=conversation,
        cause=cause,
        author=author,
        now=now,
    )[0]
    return TurnRow.of(row)


def package(
    tx: Transaction,
    turn: TurnRow,
    *,
    conversation: Conversation | None = None,
    incoming: Sequence[IncomingRow] | None = None,
    parts: Sequence[Part] | None = None,
) -> Opened:
    """Return a turn with the rows that its work starts from; rows given by the caller are not read again."""
    if conversation is None:
        conversation = Conversation.of(_one(tx, "select * from conversations where id = :id", id=turn.conversation))
    if incoming is None:
        incoming = [IncomingRow.of(row) for row in tx.query(INCOMING, turn=turn.id)]
    if parts is None:
        parts = [Part.of(row) for row in tx.query(PARTS, turn=turn.id)]
    chosen = None if conversation.assistant else _chosen(tx, conversation, turn.author)
    return Opened(turn, conversation, tuple(incoming), tuple(parts), chosen, suspect=False)


def _chosen(tx: Transaction, conversation: Conversation, person: str | None) -> str | None:
    """Return the assistant that a person picked for conversations they start."""
    key = f"{conversation.platform}:{conversation.workspace}:{person}"
    rows = tx.query("select assistant from choices where scope = 'person' and key = :key", key=key)
    return str(rows[0]["assistant"]) if rows else None


def _one(tx: Transaction, sql: str, **values: Any) -> Row:
    return tx.query(sql, **values)[0]


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _fenced(rows: int, turn: int) -> None:
    if rows == 0:
        raise SupersededError(f"turn {turn} was taken over by another process")
