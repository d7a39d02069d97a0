"""chat.*: the app says, changes, deletes, whispers and reacts."""

from typing import Any

from tests.simulators.slack import events
from tests.simulators.slack.methods.base import (
    TEXT_LIMIT,
    UPDATE_TEXT_LIMIT,
    Context,
    Method,
    SlackError,
    as_json,
    metadata,
    own,
    text,
)
from tests.simulators.slack.records import Message, Whisper
from tests.simulators.slack.world import BOT

# Of links a bot posts, those to media are shown unless it says otherwise.
_ON, _OFF = (True, "true", "1"), (False, "false", "0")


async def _post_message(context: Context) -> dict[str, Any]:
    channel = context.joined()
    message = Message(
        channel=channel.id,
        ts=context.world.new_ts(),
        user=BOT["user_id"],
        text=text(context.arguments, TEXT_LIMIT),
        thread_ts=context.thread(channel),
        bot_id=BOT["bot_id"],
        metadata=metadata(context.arguments),
        markdown=bool(context.arguments.get("markdown_text")),
        blocks=context.blocks(),
        previews=context.arguments.get("unfurl_media") not in _OFF or context.arguments.get("unfurl_links") in _ON,
    )
    context.world.add_message(message)
    await context.site.deliveries.tell(*events.of_message(message, channel, None))
    return {"channel": channel.id, "ts": message.ts, "message": as_json(message, with_metadata=True)}


async def _post_ephemeral(context: Context) -> dict[str, Any]:
    channel, user = context.joined(), context.required("user")
    if user not in context.world.users:
        raise SlackError("user_not_in_channel")
    said, thread, ts = text(context.arguments, TEXT_LIMIT), context.thread(channel), context.world.new_ts()
    whisper = Whisper(channel.id, user, said, context.world.now(), ts, thread, context.blocks())
    context.world.whispers.append(whisper)
    return {"message_ts": ts}


async def _update(context: Context) -> dict[str, Any]:
    channel = context.channel()
    message = context.message(channel)
    own(message, "cant_update_message")
    if message.stream == "open":
        raise SlackError("streaming_state_conflict")
    previous, said = message.text, text(context.arguments, UPDATE_TEXT_LIMIT)
    if "blocks" in context.arguments or context.arguments.get("markdown_text"):
        message.blocks = context.blocks()
    message.markdown = bool(context.arguments.get("markdown_text"))
    message.edited = True
    context.world.edit(message, said)
    if "metadata" in context.arguments:
        message.metadata = metadata(context.arguments)
    await context.site.deliveries.tell(events.of_edit(message, channel, previous, context.world.new_ts()))
    return {"channel": channel.id, "ts": message.ts, "text": message.text, "message": as_json(message)}


async def _delete(context: Context) -> dict[str, Any]:
    channel = context.channel()
    message = context.message(channel)
    own(message, "cant_delete_message")
    message.deleted = True
    await context.site.deliveries.tell(events.of_deletion(message, channel, context.world.new_ts()))
    return {"channel": channel.id, "ts": message.ts}


async def _permalink(context: Context) -> dict[str, Any]:
    channel = context.channel()
    message = context.message(channel, "message_ts")
    link = f"https://threadline-sim.slack.com/archives/{channel.id}/p{message.ts.replace('.', '')}"
    thread = f"?thread_ts={message.thread_ts}&cid={channel.id}" if message.thread_ts else ""
    return {"channel": channel.id, "permalink": link + thread}


async def _add_reaction(context: Context) -> dict[str, Any]:
    message, name = context.message(context.joined(), "timestamp"), context.required("name")
    users = message.reactions.setdefault(name, [])
    if BOT["user_id"] in users:
        raise SlackError("already_reacted")
    users.append(BOT["user_id"])
    return {}


async def _remove_reaction(context: Context) -> dict[str, Any]:
    message, name = context.message(context.joined(), "timestamp"), context.required("name")
    if BOT["user_id"] not in message.reactions.get(name, []):
        raise SlackError("no_reaction")
    message.reactions[name].remove(BOT["user_id"])
    if not message.reactions[name]:
        del message.reactions[name]
    return {}


METHODS = {
    "chat.postMessage": Method(_post_message, "chat:write", tier=4),
    "chat.postEphemeral": Method(_post_ephemeral, "chat:write", tier=4),
    "chat.update": Method(_update, "chat:write", tier=3),
    "chat.delete": Method(_delete, "chat:write", tier=3),
    "chat.getPermalink": Method(_permalink),
    "reactions.add": Method(_add_reaction, "reactions:write", tier=3),
    "reactions.remove": Method(_remove_reaction, "reactions:write", tier=2),
}
