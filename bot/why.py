"""`threadline why EVENT`: explains what happened to one message, or the latest turns of a conversation."""

import re
import time
from urllib.parse import unquote

from bot.settings import Settings
from bot.stops import NEWER_MESSAGE
from storage import unanswered
from storage.database import Reader, Row
from storage.sqlite import reading

_SLACK_LINK = re.compile(r"https?://\S+/archives/([A-Z0-9]+)/p(\d{10})(\d{6})")
_DISCORD_LINK = re.compile(r"https?://\S+/channels/[@\w]+/(\d+)/(\d+)")
_PAGE_LINK = re.compile(r"https?://[^/\s]+/c/([^/?#\s]+)")
_SLACK_TS = re.compile(r"\d{10}\.\d{6}")
_BY_TAIL = "select event from incoming where event > :low and event < :high and event like :pattern limit 20"
_BY_PART = (
    "select * from turns where id ="
    " (select turn from parts where ref between :low and :high and ref like :pattern order by ref desc limit 1)"
)
# How many turns of a conversation are explained.
LATEST = 3


async def why(settings: Settings, asked: str) -> str | None:
    """Explain a message, a turn or a conversation; None if it is unknown.

    A message, of a person or of an answer, is given by its key, link or bare id; a turn by its reference; a
    conversation by its key or by its address on the page. Works while a server is running. Raises `StorageError`.
    """
    with reading(settings.database_path) as db:
        if turn := await _turn(db, "tag", asked.strip()):
            return await _story_of_turn(db, turn)
        for event in await _events(db, asked.strip()):
            if story := await _story(db, event):
                return story
        if turn := await _answered_by(db, asked.strip()):
            return await _story_of_turn(db, turn)
        return await _story_of_conversation(
            db, unquote(link[1]) if (link := _PAGE_LINK.search(asked)) else asked.strip()
        )


async def _events(db: Reader, asked: str) -> list[str]:
    """The event keys that the argument may mean."""
    if link := _SLACK_LINK.search(asked):
        return await _slack(db, f"{link[1]}:{link[2]}.{link[3]}")
    if link := _DISCORD_LINK.search(asked):
        return [f"discord:{link[2]}"]
    if _SLACK_TS.fullmatch(asked):
        return await _slack(db, asked)
    return [f"discord:{asked}"] if asked.isdigit() else [asked]


async def _slack(db: Reader, tail: str) -> list[str]:
    """The keys that end like this: Slack's links do not contain the workspace that its keys begin with."""
    rows = await db.read(_BY_TAIL, low="slack:", high="slack;", pattern=f"%:{tail}")
    more = await db.read("select event from unanswered where event like :pattern limit 20", pattern=f"slack:%:{tail}")
    return [row["event"] for row in (*rows, *more)]


async def _answered_by(db: Reader, asked: str) -> Row | None:
    """The turn whose reply contains a message, which is given by its key, its link or its bare id."""
    low = high = pattern = asked
    if link := _SLACK_LINK.search(asked):
        low, high, pattern = "slack:", "slack;", f"%:{link[1]}:{link[2]}.{link[3]}"
    elif link := _DISCORD_LINK.search(asked):
        low = high = pattern = f"discord:{link[1]}:{link[2]}"
    elif _SLACK_TS.fullmatch(asked):
        low, high, pattern = "slack:", "slack;", f"%:{asked}"
    elif asked.isdigit():
        low, high, pattern = "discord:", "discord;", f"%:{asked}"
    rows = await db.read(_BY_PART, low=low, high=high, pattern=pattern)
    return rows[0] if rows else None


async def _story(db: Reader, event: str) -> str | None:
    rows = await db.read("select * from incoming where event = :event", event=event)
    if rows:
        return await _story_of_incoming(db, rows[0])
    if ignored := await unanswered.reason_for(db, event):
        return f"{event} was not answered ({_when(ignored['at'])}): {ignored['reason']}."
    return None


async def _story_of_incoming(db: Reader, row: Row) -> str:
    came = f"{row['event']} arrived {_when(row['received_at'])}"
    if row["kind"] == "command":
        return f"{came} as a command and was carried out."
    if row["kind"] == "deleted":
        return f"{came} and was deleted by its author before its turn began."
    if row["turn"] is None:
        ahead = await db.read(
            "select tag from turns where conversation = :c and outcome is null", c=row["conversation"]
        )
        behind = f" behind turn {ahead[0]['tag']}" if ahead else ""
        return f"{came} and is waiting{behind}."
    turn = await _turn(db, "id", row["turn"])
    return f"{came}. {await _story_of_turn(db, turn)}" if turn else f"{came}."


async def _story_of_conversation(db: Reader, key: str) -> str | None:
    """What became of the latest turns, the newest last, and how many messages wait for one."""
    rows = await db.read("select id from conversations where key = :key and key not like 'deleted:%'", key=key)
    if not rows:
        return None
    here = rows[0]["id"]
    turns = await db.read(
        "select * from turns where conversation = :c order by id desc limit :latest", c=here, latest=LATEST
    )
    waiting = await db.read(
        "select count(*) as n from incoming where conversation = :c and turn is null and kind = 'message'", c=here
    )
    told = [await _story_of_turn(db, turn) for turn in reversed(turns)]
    if n := waiting[0]["n"]:
        told.append(f"{n} {'message waits' if n == 1 else 'messages wait'} for the next turn.")
    if not told:
        return f"{key} is a conversation in which nobody has asked anything yet."
    return "\n".join([f"{key} is a conversation. Its latest turns, the newest last:", *told])


async def _story_of_turn(db: Reader, turn: Row) -> str:
    who = f"assigned to {turn['assistant']}" if turn["assistant"] else "not assigned to an assistant yet"
    place = await _place(db, turn["conversation"])
    deleted = place.startswith("deleted:")
    where = "a conversation that has since been deleted" if deleted else place
    named = f"Turn {turn['tag']} of {where}, {who}"
    by = await _who(db, turn) if turn["stopped_by"] else ""
    facts = [f"{named}: {_outcome(turn, by, told=turn['reason'] is not None or deleted)}"]
    if turn["redoes"]:
        facts.append("It regenerates an earlier answer.")
    if turn["run_id"]:
        facts.append(f"Its run is {turn['run_id']}.")
    if turn["attempts"] > 1 or turn["failures"]:
        facts.append(f"Attempts: {turn['attempts']}, failures: {turn['failures']}.")
    if turn["error"]:
        facts.append(f"Last failure: {turn['error']}")
    parts = await db.read("select ref from parts where turn = :turn order by number", turn=turn["id"])
    if parts:
        facts.append(f"The messages of its reply: {', '.join(part['ref'] for part in parts)}.")
    return " ".join(facts)


async def _who(db: Reader, turn: Row) -> str:
    """The person who stopped a turn, as an operator knows them, or what else stopped it."""
    by = str(turn["stopped_by"])
    if by == NEWER_MESSAGE:
        return by
    (here,) = await db.read("select platform from conversations where id = :c", c=turn["conversation"])
    if here["platform"] in ("web", "console"):
        return "a person on the page or in the terminal"
    names = await db.read(
        "select author_name from incoming where conversation = :c and author = :by and author_name <> '' limit 1",
        c=turn["conversation"],
        by=by,
    )
    return f"{names[0]['author_name']} ({by})" if names else by


def _outcome(turn: Row, by: str, *, told: bool) -> str:
    seconds = round((turn["done_at"] or time.time()) - turn["opened_at"], 1)
    if turn["outcome"] is None:
        wish = f"; {by} asked to stop it" if by else ""
        return f"in progress for {seconds} s{wish}."
    if turn["outcome"] == "answered":
        return f"answered {_when(turn['done_at'])} after {seconds} s."
    if turn["outcome"] == "stopped":
        return f"stopped by {by} {_when(turn['done_at'])} after {seconds} s."
    failed = f"failed {_when(turn['done_at'])} after {seconds} s."
    if not told:
        return f"{failed} People saw no message about it, because the platform accepted none."
    return f"{failed} People saw “{turn['reason']}”" if turn["reason"] else f"{failed} People saw the reason."


async def _place(db: Reader, conversation: int) -> str:
    rows = await db.read("select key from conversations where id = :id", id=conversation)
    return str(rows[0]["key"])


async def _turn(db: Reader, column: str, value: object) -> Row | None:
    sql = {"tag": "select * from turns where tag = :value", "id": "select * from turns where id = :value"}[column]
    rows = await db.read(sql, value=value)
    return rows[0] if rows else None


def _when(at: float) -> str:
    return time.strftime("on %Y-%m-%d at %H:%M:%S", time.localtime(at))
