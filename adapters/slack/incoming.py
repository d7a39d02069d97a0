"""Converts Slack's events and commands to the bot's types. Pure.

`team` is always the workspace in which the app is installed. With Slack Connect, an event names the workspace of its
author, which would give one thread several keys.
"""

import re
from collections.abc import Mapping
from typing import Any

from bot.incoming import Attached, Command, Incoming, Person, Place, Revision
from bot.words.asking import Quoted, context, display_name

PLATFORM = "slack"

# A message with any other subtype is a notice from Slack.
_SUBTYPES = {None, "file_share", "thread_broadcast", "bot_message"}


def from_event(
    event: Mapping[str, Any], *, team: str, bot_user: str, bot_id: str = "", names: Mapping[str, str] | None = None
) -> Incoming | None:
    """The message of an event; None if the event contains none, or only the bot's own. `names` maps ids to names.

    A mention arrives twice, as `app_mention` and as `message`; both get the same `event`.
    """
    if not _is_said(event) or event.get("user") == bot_user or (bot_id and event.get("bot_id") == bot_id):
        return None
    author = str(event.get("user") or event["bot_id"])
    return Incoming(
        event=ref(team, event["channel"], event["ts"]),
        place=place(team, event["channel"], event.get("thread_ts") or event["ts"]),
        author=Person(author, (names or {}).get(author, ""), is_bot=bool(event.get("bot_id"))),
        text=_spoken(event, bot_user, names or {}),
        position=event["ts"],
        addressed=_is_dm(event) or _mention(bot_user).search(event.get("text", "")) is not None,
        files=_files(event),
    )


def from_change(
    event: Mapping[str, Any], *, team: str, bot_user: str, names: Mapping[str, str] | None = None
) -> Revision | None:
    """The edit or deletion of a person's message in an event; None for any other event."""
    before = event.get("previous_message") or {}
    if before.get("bot_id") or event["type"] != "message":
        return None
    if event.get("subtype") == "message_deleted":
        return Revision(ref(team, event["channel"], event["deleted_ts"]), None)
    if event.get("subtype") != "message_changed" or event["message"].get("bot_id"):
        return None
    message = event["message"]
    # A tombstone is left in place of a deleted message that has a thread.
    text = None if message.get("subtype") == "tombstone" else _spoken(message, bot_user, names or {})
    files = _files(message) if "files" in message else None
    at = (message.get("edited") or {}).get("ts", "")
    return Revision(ref(team, event["channel"], message["ts"]), text, files, at)


def edited(event: Mapping[str, Any]) -> dict[str, Any]:
    """The event of an edited message, as if it had been posted that way."""
    where = {name: event[name] for name in ("channel", "channel_type") if name in event}
    return {**event["message"], "type": "message", **where}


def from_stop(event: Mapping[str, Any], *, team: str) -> tuple[Place, Person, str]:
    """The place, the person and the event key of a press on Slack's Stop button."""
    channel, thread = event["channel"], event["thread_ts"]
    return place(team, channel, thread), Person(event["user"]), f"{PLATFORM}:stop:{team}:{channel}:{event['event_ts']}"


def from_command(body: Mapping[str, Any], *, team: str) -> Command:
    """A slash command. Slack does not say in which thread it was given, so the place has no key."""
    place = Place(key="", platform=PLATFORM, workspace=team, channel=body["channel_id"])
    author = Person(body["user_id"], body.get("user_name", ""))
    return Command(f"{PLATFORM}:cmd:{body['trigger_id']}", place, author, body.get("text", ""))


def ref(team: str, channel: str, ts: str) -> str:
    """The key of a message."""
    return f"{PLATFORM}:{team}:{channel}:{ts}"


def ts_of(reference: str) -> str:
    return reference.rpartition(":")[2]


def place(team: str, channel: str, root: str) -> Place:
    """The conversation of a thread."""
    return Place(key=ref(team, channel, root), platform=PLATFORM, workspace=team, channel=channel, thread=root)


def is_notice(event: Mapping[str, Any]) -> bool:
    """Return whether Slack itself posted the message, for example that somebody joined."""
    subtype = event.get("subtype")
    return event["type"] == "message" and subtype not in _SUBTYPES | {"message_changed", "message_deleted"}


def _is_said(event: Mapping[str, Any]) -> bool:
    said = event["type"] in {"message", "app_mention"} and event.get("subtype") in _SUBTYPES
    return said and bool(event.get("user") or event.get("bot_id"))


def _is_dm(event: Mapping[str, Any]) -> bool:
    return event.get("channel_type") == "im" or str(event["channel"]).startswith("D")


def _mention(bot_user: str) -> re.Pattern[str]:
    return re.compile(rf"[ \t]*<@{re.escape(bot_user)}(?:\|[^>]*)?>[ \t]*")


def _spoken(message: Mapping[str, Any], bot_user: str, names: Mapping[str, str]) -> str:
    """The question, preceded by the messages forwarded with it or linked in it."""
    words = read(message.get("text") or "", bot_user, names)
    said = [
        Quoted(str(shared.get("author_name") or "somebody"), read(shared["text"], bot_user, names))
        for shared in _shared(message)
        if shared.get("text")
    ]
    return f"{context(said, 'a message this one refers to')}\n\n{words}".strip() if said else words


def _shared(message: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The messages quoted in a message, without Slack's previews of other links."""
    return [
        attachment
        for attachment in message.get("attachments") or ()
        if attachment.get("is_share") or attachment.get("is_msg_unfurl")
    ]


def _files(message: Mapping[str, Any]) -> tuple[Attached, ...]:
    """The files of a message and of those forwarded in it, without the placeholders of deleted ones."""
    held = [*(message.get("files") or ()), *(file for shared in _shared(message) for file in shared.get("files") or ())]
    return tuple(_file(file) for file in held if file.get("mode") != "tombstone")


def _file(file: Mapping[str, Any]) -> Attached:
    return Attached(
        str(file.get("name") or file.get("title") or "file"),
        str(file.get("mimetype") or ""),
        int(file.get("size") or 0),
        str(file.get("url_private_download") or file.get("url_private") or file.get("id") or ""),
    )


def people_in(event: Mapping[str, Any]) -> set[str]:
    """The ids of the author and of the people mentioned in a message, whose names must be looked up."""
    message = event.get("message") or event
    named = {found["id"] for found in _MARKUP.finditer(message.get("text") or "") if found["sign"] == "@"}
    return {str(one) for one in (message.get("user"), *named) if one}


def read(text: str, bot_user: str, names: Mapping[str, str]) -> str:
    """Slack's markup as text: without the bot's mention, other mentions as names, links as Markdown, unescaped."""
    spoken = _mention(bot_user).sub(" ", text).strip()
    spoken = _MARKUP.sub(lambda found: _words(found, names), spoken)
    return spoken.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _words(found: re.Match[str], names: Mapping[str, str]) -> str:
    sign, identity, label = found["sign"], found["id"], found["label"] or ""
    if sign == "@":
        return f"@{display_name(names.get(identity) or label or identity)}"
    if sign == "#":
        return f"#{label or identity}"
    if sign == "!":
        return label if identity.startswith("date^") else label or f"@{identity.partition('^')[0]}"
    return f"[{label}]({identity})" if label and label != identity.removeprefix("mailto:") else label or identity


_MARKUP = re.compile(r"<(?P<sign>[@#!]?)(?P<id>[^<>|\s][^<>|]*)(?:\|(?P<label>[^<>]*))?>")
