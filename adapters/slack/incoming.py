"""Maps what Slack sends to what the bot takes in. Pure."""

import re
from collections.abc import Mapping
from typing import Any

from bot.incoming import Command, Incoming, Person, Place, Revision

PLATFORM = "slack"

# A message with any other subtype is a notice of Slack's: nobody asked anything.
_SUBTYPES = {None, "file_share", "thread_broadcast", "bot_message"}


def from_event(body: Mapping[str, Any], *, bot_user: str, bot_id: str = "") -> Incoming | None:
    """The message that an event tells of, or None where nobody but ourselves said anything.

    A mention arrives twice, as `app_mention` and as `message`: both give the same `event`.
    """
    event = body["event"]
    if not _is_said(event) or event.get("user") == bot_user or (bot_id and event.get("bot_id") == bot_id):
        return None
    author = str(event.get("user") or event["bot_id"])
    return Incoming(
        event=ref(body["team_id"], event["channel"], event["ts"]),
        place=place(body["team_id"], event["channel"], event.get("thread_ts") or event["ts"]),
        author=Person(author, is_bot=bool(event.get("bot_id"))),
        text=_text(event.get("text", ""), bot_user),
        position=event["ts"],
        addressed=_is_dm(event) or _mention(bot_user).search(event.get("text", "")) is not None,
    )


def from_change(body: Mapping[str, Any], *, bot_user: str) -> Revision | None:
    """The edit or deletion of a person's message that an event tells of; None where it tells of something else."""
    event = body["event"]
    before = event.get("previous_message") or {}
    if before.get("bot_id") or event["type"] != "message":
        return None
    if event.get("subtype") == "message_deleted":
        return Revision(ref(body["team_id"], event["channel"], event["deleted_ts"]), None)
    if event.get("subtype") != "message_changed" or event["message"].get("bot_id"):
        return None
    message = event["message"]
    # What is left of a deleted message that has a thread.
    text = None if message.get("subtype") == "tombstone" else _text(message.get("text", ""), bot_user)
    return Revision(ref(body["team_id"], event["channel"], message["ts"]), text)


def from_stop(body: Mapping[str, Any]) -> tuple[Place, Person, str]:
    """Where somebody pressed Slack's own Stop button, who, and the event's name."""
    event = body["event"]
    team, channel, thread = body["team_id"], event["channel"], event["thread_ts"]
    return place(team, channel, thread), Person(event["user"]), f"{PLATFORM}:stop:{team}:{channel}:{event['event_ts']}"


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


def place(team: str, channel: str, root: str) -> Place:
    """The conversation of a thread."""
    return Place(key=ref(team, channel, root), platform=PLATFORM, workspace=team, channel=channel, thread=root)


def is_notice(event: Mapping[str, Any]) -> bool:
    """Whether Slack itself says something in a channel: who joined, what was pinned."""
    subtype = event.get("subtype")
    return event["type"] == "message" and subtype not in _SUBTYPES | {"message_changed", "message_deleted"}


def _is_said(event: Mapping[str, Any]) -> bool:
    said = event["type"] in {"message", "app_mention"} and event.get("subtype") in _SUBTYPES
    return said and bool(event.get("user") or event.get("bot_id"))


def _is_dm(event: Mapping[str, Any]) -> bool:
    return event.get("channel_type") == "im" or str(event["channel"]).startswith("D")


def _mention(bot_user: str) -> re.Pattern[str]:
    return re.compile(rf"[ \t]*<@{re.escape(bot_user)}(?:\|[^>]*)?>[ \t]*")


def _text(text: str, bot_user: str) -> str:
    """The words without our own mention, Slack's three escapes undone."""
    spoken = _mention(bot_user).sub(" ", text).strip()
    return spoken.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
