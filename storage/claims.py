"""What comes in is made durable, once: messages, their revisions, and what is no message."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Concatenate, Literal, ParamSpec, TypeVar

from storage import turns
from storage.conversations import note_heard
from storage.database import Database, Transaction, urgent
from storage.records import Conversation, IncomingRow
from storage.turns import Opened

P = ParamSpec("P")
T = TypeVar("T")

# What became of a revision: `begun` if the turn of its message had begun, `unknown` if the message was never stored.
Revised = Literal["changed", "same", "begun", "unknown"]

NO_FILES = "[]"


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
    queue = turns.queue_of(tx, conversation.id)
    idle = queue.open is None and not queue.waits
    turn = turns.insert_turn(tx, conversation.id, "message", claim.author, claim.now) if idle else None
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
            noted=int(queue.open is not None),
            now=claim.now,
        )[0]
    )
    opened = turns.package(tx, turn, conversation=conversation, incoming=[message], parts=[]) if turn else None
    opened = opened and replace(opened, maybe_asked=False)
    return Claimed(conversation, message, opened, queue.open)


@urgent
def revise_incoming(tx: Transaction, event: str, body: str | None, attachments: str | None = None) -> Revised:
    """Change what a message says, or take it back (None), as long as it waits; says what became of that.

    `attachments` are the files it still has, a JSON list; None leaves them as they are.

    `changed`, `same`, `begun` when its turn has begun, `unknown` when it was never claimed.
    """
    found = tx.query("select body, attachments, turn, kind from incoming where event = :event", event=event)
    if not found:
        return "unknown"
    if found[0]["turn"] is not None or found[0]["kind"] != "message":
        return "begun"
    before = found[0]["attachments"]
    files = before if attachments is None else attachments
    if body is None or files == NO_FILES:
        files = None
    if (body, files) == (found[0]["body"], before):
        return "same"
    tx.execute(
        "update incoming set body = :body, attachments = :files, kind = :kind where event = :event",
        body=body,
        files=files,
        kind="message" if body is not None else "deleted",
        event=event,
    )
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


def nothing(_: Transaction) -> None:
    """What an event does that found nothing to do: it is claimed all the same."""


async def is_claimed(db: Database, event: str) -> bool:
    return bool(await db.read("select 1 as one from incoming where event = :event", event=event))


def _conversation(tx: Transaction, claim: Claim) -> Conversation:
    """The conversation of a message, made where it is new, with what the message changes of it."""
    row = tx.query(
        "insert into conversations (key, platform, workspace, channel, thread, title, speaker, engaged, bots,"
        " created_at, updated_at)"
        " values (:key, :platform, :workspace, :channel, :thread, :title, :author, 1, :bot, :now, :now)"
        " on conflict (key) do update set engaged = 1, updated_at = excluded.updated_at,"
        " title = coalesce(conversations.title, excluded.title),"
        " speaker = coalesce(conversations.speaker, excluded.speaker),"
        " several = case when conversations.several = 1 or conversations.speaker != excluded.speaker then 1 else 0 end,"
        " bots = case when :bot then conversations.bots + 1 else 0 end returning *",
        key=claim.key,
        platform=claim.platform,
        workspace=claim.workspace,
        channel=claim.channel,
        thread=claim.thread,
        title=claim.title,
        author=claim.author,
        bot=int(claim.bots is not None),
        now=claim.now,
    )[0]
    if claim.bots is not None and row["bots"] > claim.bots:
        raise BotsCappedError
    return Conversation.of(row)
