"""The life of a turn in the tables: the claim, the queue, the fence, the end."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from storage.database import Database, Transaction, urgent
from storage.records import IncomingRow, Part, TurnRow


class SupersededError(Exception):
    """Another process took this turn over: whatever this one does, it must drop."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A message to be made durable, with the conversation it belongs to."""

    event: str
    key: str
    platform: str
    workspace: str
    channel: str
    thread: str | None
    title: str
    position: str
    author: str
    author_name: str
    body: str
    reply_to: str | None
    now: float


@urgent
def claim_incoming(tx: Transaction, claim: Claim) -> int | None:
    """Insert a message, and its conversation when it is new there; None when its event was claimed before."""
    conversation = tx.query(
        "insert into conversations (key, platform, workspace, channel, thread, title, engaged, created_at, updated_at)"
        " values (:key, :platform, :workspace, :channel, :thread, :title, 1, :now, :now)"
        " on conflict (key) do update set engaged = 1, updated_at = excluded.updated_at,"
        " title = coalesce(conversations.title, excluded.title) returning id",
        key=claim.key,
        platform=claim.platform,
        workspace=claim.workspace,
        channel=claim.channel,
        thread=claim.thread,
        title=claim.title,
        now=claim.now,
    )[0]["id"]
    fresh = tx.query(
        "insert into incoming (event, conversation, position, author, author_name, body, reply_to, received_at)"
        " values (:event, :conversation, :position, :author, :author_name, :body, :reply_to, :now)"
        " on conflict (event) do nothing returning id",
        event=claim.event,
        conversation=conversation,
        position=claim.position,
        author=claim.author,
        author_name=claim.author_name,
        body=claim.body,
        reply_to=claim.reply_to,
        now=claim.now,
    )
    return int(conversation) if fresh else None


def open_next(tx: Transaction, conversation: int, now: float) -> TurnRow | None:
    """The turn to work on: the one left open, taken over, or a new one over everything that waits; None when idle."""
    left = tx.query(
        "update turns set attempts = attempts + 1 where id ="
        " (select min(id) from turns where conversation = :c and outcome is null) returning *",
        c=conversation,
    )
    if left:
        return TurnRow.of(left[0])
    waiting = tx.query(
        "select author from incoming where conversation = :c and turn is null and kind = 'message'"
        " order by position desc, id desc limit 1",
        c=conversation,
    )
    if not waiting:
        return None
    turn = tx.query(
        "insert into turns (tag, conversation, cause, author, attempts, failures, opened_at)"
        " values (:tag, :c, 'message', :author, 1, 0, :now) returning *",
        tag=secrets.token_hex(6),
        c=conversation,
        author=waiting[0]["author"],
        now=now,
    )[0]
    tx.execute(
        "update incoming set turn = :turn where conversation = :c and turn is null and kind = 'message'",
        turn=turn["id"],
        c=conversation,
    )
    return TurnRow.of(turn)


def record_run(tx: Transaction, turn: int, attempts: int, assistant: str, run_id: str, *, stays: bool) -> None:
    """Which assistant answers, and in which run; one that `stays` answers in this conversation from now on.

    Raises `SupersededError`.
    """
    _fenced(
        tx.execute(
            "update turns set assistant = :assistant, run_id = :run_id where id = :id and attempts = :attempts",
            id=turn,
            attempts=attempts,
            assistant=assistant,
            run_id=run_id,
        ),
        turn,
    )
    if stays:
        tx.execute(
            "update conversations set assistant = :assistant"
            " where id = (select conversation from turns where id = :id) and assistant is null",
            id=turn,
            assistant=assistant,
        )


def record_failure(tx: Transaction, turn: int, attempts: int) -> int:
    """Count one failed try of a turn; returns how many there were. Raises `SupersededError`."""
    rows = tx.query(
        "update turns set failures = failures + 1 where id = :id and attempts = :attempts returning failures",
        id=turn,
        attempts=attempts,
    )
    _fenced(len(rows), turn)
    return int(rows[0]["failures"])


def keep_part(tx: Transaction, turn: int, attempts: int, number: int, ref: str, state: str) -> None:
    """Record a platform message of a reply. Raises `SupersededError`."""
    owned = tx.query("select 1 as one from turns where id = :id and attempts = :attempts", id=turn, attempts=attempts)
    _fenced(len(owned), turn)
    tx.upsert("parts", {"turn": turn, "number": number, "ref": ref, "state": state}, key=("turn", "number"))


@dataclass(frozen=True, slots=True)
class Ending:
    """How a turn ended: `answered` or `failed`, with the reason people were given."""

    outcome: str
    reason: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


def close_turn(tx: Transaction, turn: int, attempts: int, ending: Ending, now: float) -> None:
    """End a turn; its messages' text is blanked where the thread has it. Raises `SupersededError`."""
    _fenced(
        tx.execute(
            "update turns set outcome = :outcome, reason = :reason, prompt_tokens = :prompt_tokens,"
            " completion_tokens = :completion_tokens, done_at = :now"
            " where id = :id and attempts = :attempts and outcome is null",
            id=turn,
            attempts=attempts,
            outcome=ending.outcome,
            reason=ending.reason,
            prompt_tokens=ending.prompt_tokens,
            completion_tokens=ending.completion_tokens,
            now=now,
        ),
        turn,
    )
    tx.execute(
        "update incoming set body = null, reply_to = null"
        " where turn = :id and exists (select 1 from turns where id = :id and run_id is not null)",
        id=turn,
    )


async def incoming_of(db: Database, turn: int) -> list[IncomingRow]:
    rows = await db.read("select * from incoming where turn = :turn order by position, id", turn=turn)
    return [IncomingRow.of(row) for row in rows]


async def parts_of(db: Database, turn: int) -> list[Part]:
    rows = await db.read("select * from parts where turn = :turn order by number", turn=turn)
    return [Part.of(row) for row in rows]


async def latest(db: Database, conversation: int, limit: int) -> list[TurnRow]:
    """The last turns of a conversation, oldest first."""
    rows = await db.read(
        "select * from turns where conversation = :c order by id desc limit :limit", c=conversation, limit=limit
    )
    return [TurnRow.of(row) for row in reversed(rows)]


async def incoming_since(db: Database, conversation: int, turns: Sequence[TurnRow]) -> list[IncomingRow]:
    """The messages of these turns, and those no turn has taken up yet, in order."""
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


def _fenced(rows: int, turn: int) -> None:
    if rows == 0:
        raise SupersededError(f"turn {turn} was taken over by another process")
