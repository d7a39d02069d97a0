"""Native streaming: a message that grows by chunks, lives five minutes, and cannot be updated meanwhile."""

from typing import Any

from tests.simulators.slack import events
from tests.simulators.slack.methods.base import (
    MARKDOWN_LIMIT,
    Context,
    Method,
    SlackError,
    accepted,
    as_json,
    invalid,
    metadata,
    own,
)
from tests.simulators.slack.methods.sessions import set_status
from tests.simulators.slack.records import Channel, Message
from tests.simulators.slack.world import BOT, TEAM

LIFE = 5 * 60.0
# Text and steps of one streamed message, in bytes.
CEILING = 11_000
_STATUSES = {"pending", "in_progress", "complete", "error"}


async def _start(context: Context) -> dict[str, Any]:
    channel = context.joined()
    thread = context.required("thread_ts") and context.thread(channel)
    _check_recipient(context, channel)
    message = Message(
        channel=channel.id,
        ts=context.world.new_ts(),
        user=BOT["user_id"],
        text="",
        thread_ts=thread,
        bot_id=BOT["bot_id"],
        markdown=True,
        stream="open",
        streamed_at=context.world.now(),
        recipient=str(context.arguments.get("recipient_user_id") or channel.user),
    )
    said = _grow(context, message)
    message.text = said
    context.world.add_message(message)
    set_status(context.world.session(channel.id, str(thread)), "processing")
    await context.site.deliveries.tell(*events.of_message(message, channel, None))
    return {"channel": channel.id, "ts": message.ts}


def _check_recipient(context: Context, channel: Channel) -> None:
    """Outside DMs Slack wants to know who sees the text arrive."""
    if channel.kind == "im":
        return
    user, team = context.arguments.get("recipient_user_id"), context.arguments.get("recipient_team_id")
    if not user:
        raise SlackError("missing_recipient_user_id")
    if not team:
        raise SlackError("missing_recipient_team_id")
    known = context.world.users.get(user)
    if known is None or team != (known.team or TEAM):
        raise invalid("unknown recipient")


async def _append(context: Context) -> dict[str, Any]:
    channel = context.channel()
    message = _streaming(context, channel)
    if not (context.arguments.get("markdown_text") or context.arguments.get("chunks")):
        raise SlackError("no_text")
    context.world.edit(message, message.text + _grow(context, message))
    return {"channel": channel.id, "ts": message.ts}


async def _stop(context: Context) -> dict[str, Any]:
    channel = context.channel()
    message = _streaming(context, channel)
    shown = context.blocks()
    previous = message.text
    grown = _grow(context, message)
    if grown:
        context.world.edit(message, message.text + grown)
    message.blocks += shown
    message.stream = "stopped"
    if "metadata" in context.arguments:
        message.metadata = metadata(context.arguments)
    status = context.arguments.get("session_status") or "active"
    set_status(context.world.session(channel.id, str(message.thread_ts)), status)
    await context.site.deliveries.tell(events.of_edit(message, channel, previous, context.world.new_ts()))
    return {"channel": channel.id, "ts": message.ts, "message": as_json(message, with_metadata=True)}


def _streaming(context: Context, channel: Channel) -> Message:
    """The message, while its stream is open and young enough."""
    message = context.message(channel)
    own(message, "message_not_owned_by_app")
    if message.stream == "open" and context.world.now() - message.streamed_at > LIFE:
        message.stream = "expired"
    if message.stream == "stopped_by_user":
        raise SlackError("stopped_by_user")
    if message.stream != "open":
        raise SlackError("message_not_in_streaming_state")
    return message


def _grow(context: Context, message: Message) -> str:
    """Takes the chunks in; returns the text they add."""
    markdown, chunks = context.arguments.get("markdown_text"), context.arguments.get("chunks")
    if markdown and chunks:
        raise invalid("markdown_text and chunks exclude each other")
    given = chunks or ([{"type": "markdown_text", "text": markdown}] if markdown else [])
    grown = "".join(chunk["text"] for chunk in given if chunk.get("type") == "markdown_text")
    if len(grown) > MARKDOWN_LIMIT or len(f"{message.text}{grown}{message.tasks or ''}".encode()) > CEILING:
        raise SlackError("msg_too_long")
    for chunk in given:
        _take(message, chunk)
    # No method for streams can be told of previews.
    message.previews = message.previews or "://" in message.text + grown
    return grown


def _take(message: Message, chunk: dict[str, Any]) -> None:
    kind = chunk.get("type")
    if kind == "task_update":
        _take_task(message, chunk)
    elif kind == "plan_update":
        message.plan = chunk["title"]
    elif kind == "blocks":
        message.blocks = accepted([*message.blocks, *chunk["blocks"]], error="msg_blocks_too_many")
    elif kind != "markdown_text":
        raise SlackError("invalid_chunks")


def _take_task(message: Message, chunk: dict[str, Any]) -> None:
    """A step by its id; its details are appended to."""
    if chunk.get("status") not in _STATUSES:
        raise SlackError("invalid_chunks")
    task = message.tasks.setdefault(chunk["id"], {})
    details = task.get("details", "") + (chunk.get("details") or "")
    task |= {name: value for name, value in chunk.items() if name != "type" and value}
    task["details"] = details


METHODS = {
    "chat.startStream": Method(_start, "chat:write", tier=2),
    "chat.appendStream": Method(_append, "chat:write", tier=4),
    "chat.stopStream": Method(_stop, "chat:write", tier=2),
}
