"""Queries on conversations and on the assistants picked for them."""

from collections.abc import Mapping, Sequence

from storage.database import Database, Transaction
from storage.records import Conversation

# The first message of a conversation is searched for among this many of its first turns.
FIRST_TURNS = 10


async def by_key(db: Database, key: str) -> Conversation | None:
    rows = await db.read("select * from conversations where key = :key", key=key)
    return Conversation.of(rows[0]) if rows else None


async def by_id(db: Database, id: int) -> Conversation:  # noqa: A002 - the column's name
    rows = await db.read("select * from conversations where id = :id", id=id)
    return Conversation.of(rows[0])


async def latest(db: Database, platforms: Sequence[str], limit: int) -> list[Conversation]:
    """Return conversations of these platforms, most recently used first."""
    names = {f"p{n}": platform for n, platform in enumerate(platforms)}
    rows = await db.read(
        f"select * from conversations where platform in ({', '.join(':' + n for n in names)})"  # noqa: S608 - names only
        " and key not like 'deleted:%' order by updated_at desc limit :limit",
        **names,
        limit=limit,
    )
    return [Conversation.of(row) for row in rows]


async def lately(db: Database, platform: str, since: float, limit: int) -> list[Conversation]:
    """Return the platform's conversations that the bot takes part in and that were used since then, newest first."""
    rows = await db.read(
        "select * from conversations where platform = :platform and updated_at >= :since and engaged"
        " order by updated_at desc limit :limit",
        platform=platform,
        since=since,
        limit=limit,
    )
    return [Conversation.of(row) for row in rows]


async def heard_until(db: Database, platform: str) -> str | None:
    """Return the position up to which no message of a platform is missing."""
    rows = await db.read("select until from heard where platform = :platform", platform=platform)
    return str(rows[0]["until"]) if rows else None


def note_heard(tx: Transaction, platform: str, until: str) -> None:
    """Record that no message up to this position is missing. The position never moves back."""
    tx.execute(
        "insert into heard (platform, until) values (:platform, :until)"
        " on conflict (platform) do update set until = max(heard.until, excluded.until)",
        platform=platform,
        until=until,
    )


async def set_aside_from(db: Database, key: str) -> Conversation | None:
    """Return the conversation that was most recently set aside under this key."""
    rows = await db.read(
        "select * from conversations where key > :first and key < :last order by id desc limit 1",
        first=f"{key}~",
        last=f"{key}~~",
    )
    return Conversation.of(rows[0]) if rows else None


async def begun_at(db: Database, key: str) -> str | None:
    """Return the position of the first message recorded under this key, including conversations set aside.

    The message may have arrived out of order, so the first turns and all waiting messages are searched.
    """
    rows = await db.read(
        "with here as (select id from conversations where key = :key or (key > :first and key < :last))"
        " select min(position) as position from (select i.position from here join incoming i"
        " on i.turn in (select id from turns where conversation = here.id order by id limit :among)"
        " union all select i.position from here join incoming i"
        " on i.conversation = here.id and i.turn is null and i.kind = 'message') as taken",
        key=key,
        first=f"{key}~",
        last=f"{key}~~",
        among=FIRST_TURNS,
    )
    return rows[0]["position"] if rows else None


async def answering(db: Database, place: Mapping[str, str | None], person: str) -> Conversation | None:
    """Return the channel's conversation in which a question of this person is being answered now."""
    rows = await db.read(
        "select c.* from turns t join conversations c on c.id = t.conversation where t.outcome is null"
        " and t.author = :person and c.platform = :platform and c.workspace = :workspace and c.channel = :channel"
        " order by t.id desc limit 1",
        person=person,
        **_channel(place),
    )
    return Conversation.of(rows[0]) if rows else None


async def answered(db: Database, place: Mapping[str, str | None], person: str, among: int) -> Conversation | None:
    """Return the latest conversation of a channel whose last turn is this person's; only the newest are searched."""
    rows = await db.read(
        "with newest as (select * from conversations where platform = :platform and workspace = :workspace"
        " and channel = :channel order by updated_at desc limit :among)"
        " select newest.* from newest join turns t on t.id ="
        " (select max(id) from turns where conversation = newest.id)"
        " where t.author = :person order by t.id desc limit 1",
        person=person,
        among=among,
        **_channel(place),
    )
    return Conversation.of(rows[0]) if rows else None


def _channel(place: Mapping[str, str | None]) -> dict[str, str | None]:
    return {name: place[name] for name in ("platform", "workspace", "channel")}


def keep_thread(tx: Transaction, conversation: int, thread_id: str, instead_of: str | None = None) -> str:
    """Set a conversation's thread, or replace the lost one, `instead_of`. The first write wins; return the thread."""
    tx.execute(
        "update conversations set thread_id = :thread_id"
        " where id = :id and (thread_id is null or thread_id = :instead_of)",
        id=conversation,
        thread_id=thread_id,
        instead_of=instead_of,
    )
    rows = tx.query("select thread_id from conversations where id = :id", id=conversation)
    return str(rows[0]["thread_id"])


def rename(tx: Transaction, key: str, title: str) -> bool:
    """Set a conversation's title. Return False when no conversation has this key."""
    return bool(tx.execute("update conversations set title = :title where key = :key", title=title, key=key))


def choose(tx: Transaction, scope: str, key: str, assistant: str, chosen_by: str, now: float) -> None:
    """Record the assistant picked for a channel, a person or a workspace."""
    tx.upsert(
        "choices",
        {"scope": scope, "key": key, "assistant": assistant, "chosen_by": chosen_by, "chosen_at": now},
        key=("scope", "key"),
    )


def choose_here(tx: Transaction, place: Mapping[str, str | None], assistant: str, now: float) -> None:
    """Record the assistant picked for a conversation, creating the conversation if nobody has written there yet."""
    tx.execute(
        "insert into conversations"
        " (key, platform, workspace, channel, thread, assistant, engaged, created_at, updated_at)"
        " values (:key, :platform, :workspace, :channel, :thread, :assistant, 0, :now, :now)"
        " on conflict (key) do update set assistant = excluded.assistant",
        **place,
        assistant=assistant,
        now=now,
    )


async def choice(db: Database, scope: str, key: str) -> str | None:
    """Return the assistant picked for a person, channel or workspace."""
    rows = await db.read("select assistant from choices where scope = :scope and key = :key", scope=scope, key=key)
    return str(rows[0]["assistant"]) if rows else None


def set_aside(tx: Transaction, key: str) -> str | None:
    """Start a new conversation under this key, in which the bot still takes part. The old one keeps its thread.

    Return the old conversation's new key; None when there was nothing to set aside.
    """
    earlier = "select count(*) as n from conversations where key > :first and key < :last"
    aside = f"{key}~{tx.query(earlier, first=f'{key}~', last=f'{key}~~')[0]['n'] + 1}"
    if not tx.execute("update conversations set key = :aside where key = :key", aside=aside, key=key):
        return None
    tx.execute(
        "insert into conversations"
        " (key, platform, workspace, channel, thread, engaged, created_at, updated_at)"
        " select :key, platform, workspace, channel, thread, engaged, updated_at, updated_at"
        " from conversations where key = :aside",
        key=key,
        aside=aside,
    )
    tx.execute("update conversations set engaged = 0 where key = :aside", aside=aside)
    return aside
