"""`threadline why EVENT`: what became of one thing that somebody said, in plain words."""

import re
import time
from collections.abc import Sequence

from bot.settings import Settings
from storage import unanswered
from storage.database import Reader, Row
from storage.sqlite import reading

_SLACK_LINK = re.compile(r"https?://\S+/archives/([A-Z0-9]+)/p(\d{10})(\d{6})")
_DISCORD_LINK = re.compile(r"https?://\S+/channels/[@\w]+/\d+/(\d+)")
_SLACK_TS = re.compile(r"\d{10}\.\d{6}")
_BY_TAIL = "select event from incoming where event > :low and event < :high and event like :pattern limit 20"


async def why(settings: Settings, asked: str) -> str | None:
    """The story of an event key, a message's link, its bare id, or a turn's reference; None where it is unknown.

    Reads beside a running server. Raises `StorageError`.
    """
    with reading(settings.database_path) as db:
        if turn := await _turn(db, "tag", asked.strip()):
            return await _story_of_turn(db, turn)
        for event in await _events(db, asked.strip()):
            if story := await _story(db, event):
                return story
    return None


async def _events(db: Reader, asked: str) -> list[str]:
    """The event keys that may be meant."""
    if link := _SLACK_LINK.search(asked):
        return await _slack(db, f"{link[1]}:{link[2]}.{link[3]}")
    if link := _DISCORD_LINK.search(asked):
        return [f"discord:{link[1]}"]
    if _SLACK_TS.fullmatch(asked):
        return await _slack(db, asked)
    return [f"discord:{asked}"] if asked.isdigit() else [asked]


async def _slack(db: Reader, tail: str) -> list[str]:
    """Slack's links do not name the workspace that its keys begin with."""
    rows = await db.read(_BY_TAIL, low="slack:", high="slack;", pattern=f"%:{tail}")
    more = await db.read("select event from unanswered where event like :pattern limit 20", pattern=f"slack:%:{tail}")
    return [row["event"] for row in (*rows, *more)]


async def _story(db: Reader, event: str) -> str | None:
    rows = await db.read("select * from incoming where event = :event", event=event)
    if rows:
        return await _story_of_incoming(db, rows[0])
    if ignored := await unanswered.reason_for(db, event):
        return f"{event} was not answered ({_when(ignored['at'])}): {ignored['reason']}."
    return None


async def _story_of_incoming(db: Reader, row: Row) -> str:
    came = f"{row['event']} came {_when(row['received_at'])}"
    if row["kind"] == "command":
        return f"{came} as a command, and was done."
    if row["kind"] == "deleted":
        return f"{came}, and was deleted by its author before its turn began."
    if row["turn"] is None:
        ahead = await db.read(
            "select tag from turns where conversation = :c and outcome is null", c=row["conversation"]
        )
        behind = f" behind turn {ahead[0]['tag']}" if ahead else ""
        return f"{came} and waits{behind}."
    turn = await _turn(db, "id", row["turn"])
    return f"{came}. {await _story_of_turn(db, turn)}" if turn else f"{came}."


async def _story_of_turn(db: Reader, turn: Row) -> str:
    who = turn["assistant"] or "an assistant that is not picked yet"
    place = await _place(db, turn["conversation"])
    deleted = place.startswith("deleted:")
    named = f"Turn {turn['tag']} of {'a conversation that was deleted since' if deleted else place}, answered by {who}"
    facts = [f"{named}: {_outcome(turn, told=turn['reason'] is not None or deleted)}"]
    if turn["redoes"]:
        facts.append("It gives an earlier answer anew.")
    if turn["run_id"]:
        facts.append(f"Its run is {turn['run_id']}.")
    if turn["attempts"] > 1 or turn["failures"]:
        facts.append(f"It was begun {turn['attempts']} times and failed {turn['failures']} times.")
    if turn["error"]:
        facts.append(f"The last failure: {turn['error']}")
    parts = await db.read("select ref from parts where turn = :turn order by number", turn=turn["id"])
    if parts:
        facts.append(f"People see it in {_listed([part['ref'] for part in parts])}.")
    return " ".join(facts)


def _outcome(turn: Row, *, told: bool) -> str:
    seconds = round((turn["done_at"] or time.time()) - turn["opened_at"], 1)
    if turn["outcome"] is None:
        wish = f", and {turn['stopped_by']} wants it to end" if turn["stopped_by"] else ""
        return f"under way for {seconds} s{wish}."
    if turn["outcome"] == "answered":
        return f"answered {_when(turn['done_at'])} after {seconds} s."
    if turn["outcome"] == "stopped":
        return f"stopped by {turn['stopped_by']} after {seconds} s."
    if not told:
        return f"failed after {seconds} s, and people could not be told: the platform took nothing."
    return f"failed after {seconds} s. People were told{': ' + turn['reason'] if turn['reason'] else ' why.'}"


async def _place(db: Reader, conversation: int) -> str:
    rows = await db.read("select key from conversations where id = :id", id=conversation)
    return str(rows[0]["key"])


async def _turn(db: Reader, column: str, value: object) -> Row | None:
    sql = {"tag": "select * from turns where tag = :value", "id": "select * from turns where id = :value"}[column]
    rows = await db.read(sql, value=value)
    return rows[0] if rows else None


def _when(at: float) -> str:
    return time.strftime("on %Y-%m-%d at %H:%M:%S", time.localtime(at))


def _listed(refs: Sequence[str]) -> str:
    return ", ".join(refs)
