"""Records each incoming event durably and exactly once: messages, edits of messages, commands and clicks."""

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Concatenate, Literal, ParamSpec, TypeVar

from storage import turns
from storage.conversations import note_heard
from storage.database import Database, Transaction, urgent
from storage.records import Conversation, IncomingRow
from storage.turns import Opened

P = ParamSpec("P")
T = TypeVar("T")

# The effect of an edit: `begun` if the message's turn had already begun, `unknown` if the message was never recorded.
Revised = Literal["changed", "same", "begun", "unknown"]

NO_FILES = "[]"


class AlreadyDoneError(Exception):
    """The event is a redelivery: its work was done the first time."""


class BotsCappedError(Exception):
    """Bots have answered each other too many times in a row: a person must speak before the next answer."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A message to record, with the conversation it belongs to.

    `bots` is the limit of consecutive bot messages that are answered here; None for a person's message.
    `heard` is the position up to which no message is missing; None when some may be.
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
    """A recorded message: its turn if it can start at once, otherwise the turn `behind` which it waits."""

    conversation: Conversation
    message: IncomingRow
    opened: Opened | None
    behind: int | None


@urgent
def claim_incoming(tx: Transaction, claim: Claim) -> Claimed | None:
    """Record a message, and open its turn if the conversation is idle. Return None for a redelivery.

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
    """Change the text of a waiting message, or retract the message (None). Return the effect, one of `Revised`.

    `attachments` is a JSON list of the files it still has; None leaves them unchanged.

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
    """Record an event that is not a message (a command, a click) and do its work in the same transaction.

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
    """The work of an event that has nothing to do but must still be recorded."""


async def is_claimed(db: Database, event: str) -> bool:
    return bool(await db.read("select 1 as one from incoming where event = :event", event=event))


async def of_ours(db: Database, refs: Collection[str]) -> set[str]:
    """Return those of these platform messages that were recorded, or are parts of replies."""
    rows = await db.read(
        "select event as ref from incoming where event in (select value from json_each(:refs))"
        " union all select ref from parts where ref in (select value from json_each(:refs))",
        refs=json.dumps(list(refs)),
    )
    return {row["ref"] for row in rows}


def _conversation(tx: Transaction, claim: Claim) -> Conversation:
    """Return the message's conversation, created if new and updated by the message."""
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
