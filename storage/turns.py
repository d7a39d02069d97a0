"""The life of a turn in the tables: the claim, the queue, the fence, the end."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Concatenate, ParamSpec, TypeVar

from storage.conversations import note_heard
from storage.database import Database, Row, Transaction, urgent
from storage.records import Conversation, IncomingRow, Part, TurnRow

P = ParamSpec("P")
T = TypeVar("T")

# What waits for a turn, in the words of the partial index that finds it.
WAITING = (
    "select id, author from incoming where conversation = :c and turn is null and kind = 'message'"
    " order by position, id limit :limit"
)
TAKE_UP = (
    "update incoming set turn = :turn where conversation = :c and turn is null and kind = 'message'"
    " and (:only is null or id = :only)"
)


class SupersededError(Exception):
    """Another process took this turn over: whatever this one does, it must drop."""


class AlreadyDoneError(Exception):
    """What this event asks for was done when it came before."""


class BotsCappedError(Exception):
    """Bots have answered each other often enough in this conversation: a person must speak first."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A message to be made durable, with the conversation it belongs to.

    `bots` is how many messages of bots in a row are answered where this one stands; None for a person's message.
    `heard` is the position up to which everything came to us; None where something may be missing.
    """

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
    bots: int | None = None
    heard: str | None = None
    attachments: str | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """A turn to work on, with everything its work begins from.

    `suspect` says that somebody may have worked on it before. `chosen` is the assistant its author picked for
    themselves; it counts where the conversation has none.
    """

    turn: TurnRow
    conversation: Conversation
    incoming: tuple[IncomingRow, ...]
    parts: tuple[Part, ...]
    chosen: str | None
    suspect: bool


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message that is durable now: its turn where it need not wait, or the turn `behind` which it waits."""

    conversation: Conversation
    message: IncomingRow
    opened: Opened | None
    behind: int | None


@urgent
def claim_incoming(tx: Transaction, claim: Claim) -> Claimed | None:
    """Insert a message, and open its turn where nothing else is open or waits; None when it was claimed before.

    Raises `BotsCappedError`.
    """
    if tx.query("select 1 as one from incoming where event = :event", event=claim.event):
        return None
    conversation = _conversation(tx, claim)
    if claim.heard is not None:
        note_heard(tx, claim.platform, claim.heard)
    behind = _open_turn(tx, conversation.id)
    idle = behind is None and not tx.query(WAITING, c=conversation.id, limit=1)
    turn = _insert_turn(tx, conversation.id, "message", claim.author, claim.now) if idle else None
    message = IncomingRow.of(
        tx.query(
            "insert into incoming"
            " (event, conversation, position, author, author_name, body, attachments, reply_to, turn, noted,"
            " received_at)"
            " values (:event, :c, :position, :author, :author_name, :body, :files, :reply_to, :turn, :noted, :now)"
            " returning *",
            event=claim.event,
            c=conversation.id,
            position=claim.position,
            author=claim.author,
            author_name=claim.author_name,
            body=claim.body,
            files=claim.attachments,
            reply_to=claim.reply_to,
            turn=turn.id if turn else None,
            noted=int(behind is not None),
            now=claim.now,
        )[0]
    )
    opened = _package(tx, turn, conversation=conversation, incoming=[message], parts=[]) if turn else None
    return Claimed(conversation, message, opened, behind)


async def people(db: Database, conversation: int) -> int:
    """How many people have written in a conversation."""
    rows = await db.read(
        "select count(distinct author) as people from incoming where conversation = :c", c=conversation
    )
    return int(rows[0]["people"])


@urgent
def revise_incoming(tx: Transaction, event: str, body: str | None) -> str:
    """Change what a message says, or take it back (None), as long as it waits; says what became of that.

    `changed`, `same`, `begun` when its turn has begun, `unknown` when it was never claimed.
    """
    found = tx.query("select body, turn, kind from incoming where event = :event", event=event)
    if not found:
        return "unknown"
    if found[0]["turn"] is not None or found[0]["kind"] != "message":
        return "begun"
    if body == found[0]["body"]:
        return "same"
    kind = "message" if body is not None else "deleted"
    tx.execute("update incoming set body = :body, kind = :kind where event = :event", body=body, kind=kind, event=event)
    return "changed"


@urgent
def once(
    tx: Transaction,
    event: str,
    author: str,
    now: float,
    job: Callable[Concatenate[Transaction, P], T],
    /,
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    """Claim what is no message (a command, a click) and do its work in the same transaction.

    Raises `AlreadyDoneError`.
    """
    fresh = tx.query(
        "insert into incoming (event, kind, author, received_at) values (:event, 'command', :author, :now)"
        " on conflict (event) do nothing returning id",
        event=event,
        author=author,
        now=now,
    )
    if not fresh:
        raise AlreadyDoneError(event)
    return job(tx, *args, **kwargs)


def open_next(tx: Transaction, conversation: int, now: float, *, one: bool = False) -> Opened | None:
    """The turn to work on: the one left open, taken over, or a new one over what waits; None when idle.

    A new turn takes up every message that waits, or the first `one`.
    """
    left = tx.query(
        "update turns set attempts = attempts + 1 where id ="
        " (select min(id) from turns where conversation = :c and outcome is null) returning *",
        c=conversation,
    )
    if left:
        return replace(_package(tx, TurnRow.of(left[0])), suspect=True)
    waiting = tx.query(WAITING, c=conversation, limit=1 if one else -1)
    if not waiting:
        return None
    turn = _insert_turn(tx, conversation, "message", waiting[-1]["author"], now)
    tx.execute(TAKE_UP, turn=turn.id, c=conversation, only=waiting[0]["id"] if one else None)
    return _package(tx, turn)


def nothing(_: Transaction) -> None:
    """What an event does that found nothing to do: it is claimed all the same."""


@urgent
def ask_to_stop(tx: Transaction, turn: int, by: str) -> bool:
    """Remember that a turn shall end; False when it has."""
    changed = tx.execute(
        "update turns set stopped_by = coalesce(stopped_by, :by) where id = :id and outcome is null", by=by, id=turn
    )
    return changed == 1


def regenerate(tx: Transaction, conversation: int, author: str, now: float) -> Opened | str:
    """Open a turn that answers the last one's question anew; or why not: `busy` or `nothing`."""
    if _open_turn(tx, conversation) is not None or tx.query(WAITING, c=conversation, limit=1):
        return "busy"
    last = tx.query("select * from turns where conversation = :c order by id desc limit 1", c=conversation)
    if not last:
        return "nothing"
    redone = TurnRow.of(last[0])
    turn = _insert_turn(tx, conversation, "regenerate", author, now)
    if redone.run_id is None:
        # The thread never had its messages, so they are this turn's to post.
        tx.execute("update incoming set turn = :turn where turn = :redone", turn=turn.id, redone=redone.id)
    redoes = redone.id if redone.run_id or redone.redoes is None else redone.redoes
    tx.execute("update turns set redoes = :redoes where id = :id", redoes=redoes, id=turn.id)
    return _package(tx, replace(turn, redoes=redoes))


def record_run(tx: Transaction, turn: int, attempts: int, assistant: str, run_id: str, *, stays: bool) -> str | None:
    """Which assistant answers, and in which run; one that `stays` answers in this conversation from now on.

    Returns who asked meanwhile that the turn stop. Raises `SupersededError`.
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


def record_failure(tx: Transaction, turn: int, attempts: int, error: str, *, counts: bool = True) -> int:
    """Record a failed try of a turn with its reason for operators, and count it or not; returns how many counted.

    Raises `SupersededError`.
    """
    rows = tx.query(
        "update turns set failures = failures + :counts, error = :error where id = :id and attempts = :attempts"
        " returning failures",
        id=turn,
        attempts=attempts,
        error=error,
        counts=int(counts),
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
    """How a turn ended: `answered`, `stopped` or `failed`, with the reason people were given."""

    outcome: str
    reason: str | None = None
    error: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


def close_turn(tx: Transaction, turn: TurnRow, ending: Ending, now: float, *, one: bool = False) -> Opened | None:
    """End a turn, and open the next where something waits; its messages' text is blanked where the thread has it.

    `one` as in `open_next`. Raises `SupersededError`.
    """
    rows = tx.query(
        "update turns set outcome = :outcome, reason = :reason, error = coalesce(:error, error),"
        " prompt_tokens = :prompt_tokens, completion_tokens = :completion_tokens, done_at = :now"
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
    return open_next(tx, turn.conversation, now, one=one)


async def parts_of(db: Database, turn: int) -> tuple[Part, ...]:
    return tuple(Part.of(row) for row in await db.read(PARTS, turn=turn))


async def parts_before(db: Database, turn: TurnRow) -> tuple[Part, ...]:
    """The parts of the reply that a conversation had before this turn's."""
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


async def is_claimed(db: Database, event: str) -> bool:
    return bool(await db.read("select 1 as one from incoming where event = :event", event=event))


async def open_turn(db: Database, conversation: int) -> int | None:
    """The turn of this conversation that is under way."""
    rows = await db.read(OPEN, c=conversation)
    return int(rows[0]["id"]) if rows else None


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


OPEN = "select id from turns where conversation = :c and outcome is null order by id limit 1"
PARTS = "select * from parts where turn = :turn order by number"
INCOMING = "select * from incoming where turn = :turn order by position, id"


def _conversation(tx: Transaction, claim: Claim) -> Conversation:
    """The conversation of a message, made where it is new, with what the message changes of it."""
    row = tx.query(
        "insert into conversations (key, platform, workspace, channel, thread, title, engaged, bots,"
        " created_at, updated_at)"
        " values (:key, :platform, :workspace, :channel, :thread, :title, 1, :bot, :now, :now)"
        " on conflict (key) do update set engaged = 1, updated_at = excluded.updated_at,"
        " title = coalesce(conversations.title, excluded.title),"
        " bots = case when :bot then conversations.bots + 1 else 0 end returning *",
        key=claim.key,
        platform=claim.platform,
        workspace=claim.workspace,
        channel=claim.channel,
        thread=claim.thread,
        title=claim.title,
        bot=int(claim.bots is not None),
        now=claim.now,
    )[0]
    if claim.bots is not None and row["bots"] > claim.bots:
        raise BotsCappedError
    return Conversation.of(row)


def _open_turn(tx: Transaction, conversation: int) -> int | None:
    rows = tx.query(OPEN, c=conversation)
    return int(rows[0]["id"]) if rows else None


def _insert_turn(tx: Transaction, conversation: int, cause: str, author: str, now: float) -> TurnRow:
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


def _package(
    tx: Transaction,
    turn: TurnRow,
    *,
    conversation: Conversation | None = None,
    incoming: Sequence[IncomingRow] | None = None,
    parts: Sequence[Part] | None = None,
) -> Opened:
    """Everything the turn's work begins from; what the caller knows is not read again."""
    if conversation is None:
        conversation = Conversation.of(_one(tx, "select * from conversations where id = :id", id=turn.conversation))
    if incoming is None:
        incoming = [IncomingRow.of(row) for row in tx.query(INCOMING, turn=turn.id)]
    if parts is None:
        parts = [Part.of(row) for row in tx.query(PARTS, turn=turn.id)]
    chosen = None if conversation.assistant else _chosen(tx, conversation, turn.author)
    return Opened(turn, conversation, tuple(incoming), tuple(parts), chosen, suspect=False)


def _chosen(tx: Transaction, conversation: Conversation, person: str | None) -> str | None:
    """The assistant that a person picked for the conversations they begin."""
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
