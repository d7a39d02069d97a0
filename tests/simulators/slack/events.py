"""The payloads Slack sends to an app, from what happened in the workspace. Pure."""

import time
from typing import Any

from tests.simulators.slack.records import Channel, Message, User
from tests.simulators.slack.world import APP, BOT, TEAM

Payload = dict[str, Any]


def envelope(event: Payload, event_id: str) -> Payload:
    """The body around an event: over HTTP the request's body, in Socket Mode the envelope's `payload`.

    Over Slack Connect it names the workspace of who did it; the authorization names the one the app is installed in.
    """
    theirs = event.get("user_team")
    return {
        "token": "verification",
        "team_id": theirs or TEAM,
        "context_team_id": TEAM,
        "api_app_id": APP,
        "event": event,
        "type": "event_callback",
        "event_id": event_id,
        "event_time": int(time.time()),
        "authorizations": [
            {
                "enterprise_id": None,
                "team_id": TEAM,
                "user_id": BOT["user_id"],
                "is_bot": True,
                "is_enterprise_install": False,
            }
        ],
        "is_ext_shared_channel": theirs is not None,
        "event_context": f"4-{event_id}",
    }


def rate_limited() -> Payload:
    """Sent in the place of events when there are too many of them: not an event itself."""
    return {
        "token": "verification",
        "type": "app_rate_limited",
        "team_id": TEAM,
        "minute_rate_limited": int(time.time()) // 60 * 60,
        "api_app_id": APP,
    }


def of_message(message: Message, channel: Channel, root_author: str | None, team: str = "") -> list[Payload]:
    """The events of one posted message: `message.*`, and its twin `app_mention` when it names the app in a channel.

    `team` is its author's, where that is another one.
    """
    event = _message(message, channel, root_author)
    if team:
        event |= {"team": team, "user_team": team, "source_team": team}
    if message.files:
        event |= {"subtype": "file_share", "files": message.files}
    mentioned = channel.kind != "im" and f"<@{BOT['user_id']}>" in message.text and message.bot_id is None
    return [_mention(event), event] if mentioned else [event]


def _message(message: Message, channel: Channel, root_author: str | None) -> Payload:
    event: Payload = {
        "type": "message",
        "channel": channel.id,
        "channel_type": channel.kind,
        "user": message.user,
        "text": message.text,
        "ts": message.ts,
        "event_ts": message.ts,
        "team": TEAM,
        "blocks": message.blocks or [{"type": "rich_text", "block_id": "b", "elements": []}],
    }
    if message.bot_id is None:
        event["client_msg_id"] = f"client-{message.ts}"
    else:
        event |= {"bot_id": message.bot_id, "app_id": APP, "bot_profile": {"id": message.bot_id, "app_id": APP}}
    if message.thread_ts is not None:
        event |= {"thread_ts": message.thread_ts, "parent_user_id": root_author}
    return event


def _mention(event: Payload) -> Payload:
    """An app_mention has no channel_type, and comes beside the message event of the same ts."""
    teams = ("team", "user_team", "source_team")
    kept = ("channel", "user", "text", "ts", "event_ts", "blocks", "client_msg_id", "thread_ts", "files", *teams)
    return {"type": "app_mention", **{name: event[name] for name in kept if name in event}}


def of_edit(message: Message, channel: Channel, previous: str, ts: str) -> Payload:
    """`message_changed`, as Slack sends it for people's edits and for the app's own updates."""
    now = _message(message, channel, None) | {"edited": {"user": message.user, "ts": ts}}
    return {
        "type": "message",
        "subtype": "message_changed",
        "hidden": True,
        "channel": channel.id,
        "channel_type": channel.kind,
        "message": now,
        "previous_message": now | {"text": previous},
        "ts": ts,
        "event_ts": ts,
    }


def of_deletion(message: Message, channel: Channel, ts: str) -> Payload:
    return {
        "type": "message",
        "subtype": "message_deleted",
        "hidden": True,
        "channel": channel.id,
        "channel_type": channel.kind,
        "deleted_ts": message.ts,
        "previous_message": _message(message, channel, None),
        "ts": ts,
        "event_ts": ts,
    }


def of_home(user: str, channel: str, tab: str, ts: str) -> Payload:
    """A person opened the app: under agent_view, `tab` is `messages` when they opened the DM."""
    return {"type": "app_home_opened", "user": user, "channel": channel, "tab": tab, "event_ts": ts}


def of_session_stopped(user: str, channel: str, thread: str, streams: list[str], ts: str) -> Payload:
    """A person pressed Stop; the named streams are stopped already."""
    return {
        "type": "agent_session_stopped",
        "user": user,
        "channel": channel,
        "thread_ts": thread,
        "streaming_message_ts": streams,
        "event_ts": ts,
    }


def of_session_title(user: str, channel: str, thread: str, title: str, ts: str) -> Payload:
    return {
        "type": "agent_session_title_changed",
        "user": user,
        "channel": channel,
        "thread_ts": thread,
        "title": title,
        "event_ts": ts,
    }


def of_reaction(kind: str, user: str, name: str, message: Message, ts: str) -> Payload:
    """`kind` is reaction_added or reaction_removed."""
    item = {"type": "message", "channel": message.channel, "ts": message.ts}
    return {"type": kind, "user": user, "reaction": name, "item": item, "item_user": message.user, "event_ts": ts}


def of_command(user: User, channel: Channel, command: str, text: str, trigger: str, response_url: str) -> Payload:
    """A slash command. It carries no thread."""
    return {
        "token": "verification",
        "team_id": TEAM,
        "team_domain": "threadline-sim",
        "channel_id": channel.id,
        "channel_name": "directmessage" if channel.kind == "im" else channel.name,
        "user_id": user.id,
        "user_name": user.name,
        "command": command,
        "text": text,
        "api_app_id": APP,
        "is_enterprise_install": "false",
        "response_url": response_url,
        "trigger_id": trigger,
    }
