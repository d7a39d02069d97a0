"""What each Web API method does to the workspace, with Slack's own limits and errors."""

import base64
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from tests.simulators.slack import events
from tests.simulators.slack.records import Channel, Message
from tests.simulators.slack.socket_mode import SocketMode
from tests.simulators.slack.world import APP, BOT, TEAM, World

MARKDOWN_LIMIT = 12_000
TEXT_LIMIT = 40_000
UPDATE_TEXT_LIMIT = 4_000


class SlackError(Exception):
    """A refusal: HTTP 200 with `ok: false`."""

    def __init__(self, code: str, **more: Any) -> None:
        super().__init__(code)
        self.code = code
        self.more = more


@dataclass(frozen=True)
class Context:
    """One call: the workspace, the app's sockets, the arguments."""

    world: World
    sockets: SocketMode
    arguments: dict[str, Any]

    def required(self, name: str) -> str:
        value = self.arguments.get(name)
        if not value:
            raise SlackError("invalid_arguments", response_metadata={"messages": [f"[ERROR] missing field: {name}"]})
        return str(value)

    def channel(self) -> Channel:
        channel = self.world.channels.get(self.required("channel"))
        if channel is None:
            raise SlackError("channel_not_found")
        if channel.archived:
            raise SlackError("is_archived")
        return channel


@dataclass(frozen=True)
class Method:
    run: Callable[[Context], Awaitable[dict[str, Any]]]
    scope: frozenset[str] = frozenset()


async def _auth_test(context: Context) -> dict[str, Any]:
    return {
        "url": "https://threadline-sim.slack.com/",
        "team": "Threadline Sim",
        "team_id": TEAM,
        "user": BOT["name"],
        "user_id": BOT["user_id"],
        "bot_id": BOT["bot_id"],
        "is_enterprise_install": False,
    }


async def _connections_open(context: Context) -> dict[str, Any]:
    return {"url": f"{context.sockets.address}/link/?ticket={context.sockets.ticket()}&app_id={APP}"}


async def _post_message(context: Context) -> dict[str, Any]:
    channel = context.channel()
    if not channel.has_bot:
        raise SlackError("not_in_channel")
    thread = context.arguments.get("thread_ts")
    if thread is not None and (channel.id, thread) not in context.world.messages:
        raise SlackError("thread_not_found")
    message = Message(
        channel=channel.id,
        ts=context.world.new_ts(),
        user=BOT["user_id"],
        text=_text(context.arguments, TEXT_LIMIT),
        thread_ts=thread,
        bot_id=BOT["bot_id"],
        metadata=_metadata(context.arguments),
    )
    context.world.add_message(message)
    for event in events.of_message(message, channel, None, []):
        await context.sockets.send_event(event)
    return {"channel": channel.id, "ts": message.ts, "message": as_json(message, with_metadata=True)}


async def _update(context: Context) -> dict[str, Any]:
    channel = context.channel()
    message = context.world.messages.get((channel.id, context.required("ts")))
    if message is None or message.deleted:
        raise SlackError("message_not_found")
    if message.bot_id != BOT["bot_id"]:
        raise SlackError("cant_update_message")
    previous = message.text
    context.world.edit(message, _text(context.arguments, UPDATE_TEXT_LIMIT))
    if "metadata" in context.arguments:
        message.metadata = _metadata(context.arguments)
    await context.sockets.send_event(events.of_edit(message, channel, previous, context.world.new_ts()))
    return {"channel": channel.id, "ts": message.ts, "text": message.text, "message": as_json(message)}


async def _replies(context: Context) -> dict[str, Any]:
    """A thread, oldest first, its root always there; `oldest` and `cursor` narrow what follows."""
    channel, root = context.channel(), context.required("ts")
    thread = context.world.thread(channel.id, root)
    if not thread:
        raise SlackError("thread_not_found")
    oldest = str(context.arguments.get("oldest", "0"))
    inclusive = str(context.arguments.get("inclusive", "0")) in {"1", "true", "True"}
    after = [m for m in thread[1:] if m.ts > oldest or (inclusive and m.ts == oldest)]
    limit = min(int(context.arguments.get("limit", 1000)), 1000)
    start = _position(context.arguments.get("cursor"))
    page = after[start : start + limit]
    has_more = start + limit < len(after)
    with_metadata = str(context.arguments.get("include_all_metadata", "0")) in {"1", "true", "True"}
    answer: dict[str, Any] = {
        "messages": [as_json(message, with_metadata=with_metadata) for message in (thread[0], *page)],
        "has_more": has_more,
    }
    if has_more:
        answer["response_metadata"] = {"next_cursor": base64.b64encode(f"{start + limit}".encode()).decode()}
    return answer


def _position(cursor: object) -> int:
    return int(base64.b64decode(str(cursor))) if cursor else 0


def _text(arguments: dict[str, Any], limit: int) -> str:
    """The text to show, within Slack's limits. `markdown_text` excludes `text` and `blocks`."""
    markdown, text, blocks = (arguments.get(name) for name in ("markdown_text", "text", "blocks"))
    if markdown and (text or blocks):
        raise SlackError("markdown_text_conflict")
    if not (markdown or text or blocks):
        raise SlackError("no_text")
    if (markdown and len(markdown) > MARKDOWN_LIMIT) or (text and len(text) > limit):
        raise SlackError("msg_too_long")
    return str(markdown or text or "")


def _metadata(arguments: dict[str, Any]) -> dict[str, Any] | None:
    metadata = arguments.get("metadata")
    if not metadata:
        return None
    if not isinstance(metadata, dict) or not {"event_type", "event_payload"} <= metadata.keys():
        raise SlackError("invalid_metadata_format")
    return metadata


def as_json(message: Message, *, with_metadata: bool = False) -> dict[str, Any]:
    """A message as the Web API shows it. Metadata only where it was asked for."""
    shown: dict[str, Any] = {
        "type": "message",
        "user": message.user,
        "text": message.text,
        "ts": message.ts,
        "team": TEAM,
    }
    if message.thread_ts is not None:
        shown["thread_ts"] = message.thread_ts
    if message.bot_id is not None:
        shown |= {"bot_id": message.bot_id, "app_id": APP}
    if with_metadata and message.metadata is not None:
        shown["metadata"] = message.metadata
    return shown


METHODS = {
    "auth.test": Method(_auth_test),
    "apps.connections.open": Method(_connections_open),
    "chat.postMessage": Method(_post_message, frozenset({"chat:write"})),
    "chat.update": Method(_update, frozenset({"chat:write"})),
    "conversations.replies": Method(_replies, frozenset({"channels:history"})),
}
