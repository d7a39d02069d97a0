"""Maps what Slack sends to what the bot takes in. Pure."""

import re
from collections.abc import Mapping
from typing import Any

from bot.incoming import Command, Incoming, Person, Place

PLATFORM = "slack"

# A message with any other subtype is an edit, a deletion, a notice of Slack's: nobody asked anything.
_SUBTYPES = {None, "file_share", "thread_broadcast"}


def from_event(body: Mapping[str, Any], *, bot_user: str) -> Incoming | None:
    """The message that an event tells of, or None where no person said anything.

    A mention arrives twice, as `app_mention` and as `message`: both give the same `event`.
    """
    event = body["event"]
    if not _is_said_by_a_person(event, bot_user):
        return None
    return Incoming(
        event=f"{PLATFORM}:{body['team_id']}:{event['channel']}:{event['ts']}",
        place=_place(body["team_id"], event["channel"], event.get("thread_ts") or event["ts"]),
        author=Person(event["user"]),
        text=_text(event.get("text", ""), bot_user),
        position=event["ts"],
        addressed=_is_dm(event) or _mention(bot_user).search(event.get("text", "")) is not None,
    )


def from_command(body: Mapping[str, Any]) -> Command:
    """A slash command. Slack's carry no thread, so the place has no key."""
    place = Place(key="", platform=PLATFORM, workspace=body["team_id"], channel=body["channel_id"])
    author = Person(body["user_id"], body.get("user_name", ""))
    return Command(f"{PLATFORM}:cmd:{body['trigger_id']}", place, author, body.get("text", ""))


def ref(team: str, channel: str, ts: str) -> str:
    """Our name for a posted message."""
    return f"{PLATFORM}:{team}:{channel}:{ts}"


def ts_of(reference: str) -> str:
    return reference.rpartition(":")[2]


def _is_said_by_a_person(event: Mapping[str, Any], bot_user: str) -> bool:
    return (
        event["type"] in {"message", "app_mention"}
        and event.get("subtype") in _SUBTYPES
        and not event.get("bot_id")
        and bool(event.get("user"))
        and event["user"] != bot_user
    )


def _is_dm(event: Mapping[str, Any]) -> bool:
    return event.get("channel_type") == "im" or str(event["channel"]).startswith("D")


def _place(team: str, channel: str, root: str) -> Place:
    return Place(key=ref(team, channel, root), platform=PLATFORM, workspace=team, channel=channel, thread=root)


def _mention(bot_user: str) -> re.Pattern[str]:
    return re.compile(rf"[ \t]*<@{re.escape(bot_user)}(?:\|[^>]*)?>[ \t]*")


def _text(text: str, bot_user: str) -> str:
    """The words without our own mention, Slack's three escapes undone."""
    spoken = _mention(bot_user).sub(" ", text).strip()
    return spoken.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
