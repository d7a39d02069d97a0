"""What the app does with messages: post, edit, delete, read, type."""

import time
from typing import Any

from tests.simulators.discord import limits, payloads
from tests.simulators.discord.context import Context, Route
from tests.simulators.discord.errors import invalid, refusal
from tests.simulators.discord.mentions import called
from tests.simulators.discord.records import Channel, Message, Typing
from tests.simulators.discord.world import BOT

NONCE_SECONDS = 300
SUPPRESS_EMBEDS, EPHEMERAL, LOADING = 1 << 2, 1 << 6, 1 << 7
SETTABLE = SUPPRESS_EMBEDS | EPHEMERAL | 1 << 12 | limits.COMPONENTS_V2


async def _create(context: Context) -> Any:
    place = await _writable(context)
    again = _sent_before(context, place)
    if again is not None:
        return payloads.message(context.world, again) | {"nonce": again.nonce}
    limits.check(context.body, files=len(context.files), flags=int(context.body.get("flags") or 0))
    message = built(context, place)
    await post(context, message)
    return payloads.message(context.world, message) | ({"nonce": message.nonce} if message.nonce else {})


async def _writable(context: Context) -> Channel:
    """The channel in the path, if the app may write there. Writing brings an archived thread back."""
    thread = context.world.channels.get(context.path["channel"], Channel("", "")).kind == "thread"
    place = context.channel("send_messages_in_threads" if thread else "send_messages")
    if place.kind == "forum":
        raise refusal(50008)
    if place.locked and place.archived:
        raise refusal(50083)
    if context.files:
        context.channel("attach_files")
    await context.audience.wake(place)
    return place


def _sent_before(context: Context, place: Channel) -> Message | None:
    """The message with the same nonce of the last few minutes, when the app asked to enforce it."""
    nonce = context.body.get("nonce")
    if nonce is None or not context.body.get("enforce_nonce"):
        return None
    since = context.world.clock.now() - NONCE_SECONDS
    for message in context.world.in_channel(place.id):
        if message.nonce == str(nonce) and message.author == BOT.id and context.world.posted[message.id] >= since:
            return message
    return None


def built(context: Context, place: Channel, **more: Any) -> Message:
    """A message of the app with what the body says."""
    body = context.body
    reference = (body.get("message_reference") or {}).get("message_id")
    if reference is not None and _unknown(context, str(reference)):
        if body["message_reference"].get("fail_if_not_exists", True):
            raise invalid("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message")
        reference = None
    nonce = body.get("nonce")
    told: dict[str, Any] = {
        "content": body.get("content") or "",
        "type": 19 if reference else 0,
        "flags": int(body.get("flags") or 0) & SETTABLE,
        "nonce": None if nonce is None else str(nonce),
        "reference": reference and str(reference),
        "embeds": [embed | {"type": "rich"} for embed in body.get("embeds") or []],
        "components": body.get("components") or [],
        "attachments": attachments(context, place, []),
    }
    return Message(context.world.new_id(), place.id, BOT.id, at=time.time(), **{**told, **more})


def _unknown(context: Context, reference: str) -> bool:
    found = context.world.messages.get(reference)
    return found is None or found.deleted


async def post(context: Context, message: Message) -> None:
    """Puts it where people see it, and tells the gateway."""
    answered = context.world.messages.get(message.reference or "")
    allowed = context.body.get("allowed_mentions")
    context.world.add_message(message, called(message.content, allowed, answered.author if answered else None))
    await context.audience.tell_message("MESSAGE_CREATE", message)


def attachments(context: Context, place: Channel, kept: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those of the message that the body keeps, and the uploaded ones."""
    told = context.body.get("attachments")
    if told is None and not context.files:
        return kept
    wanted = {str(one["id"]): one for one in told or []}
    found = kept if told is None else [one for one in kept if one["id"] in wanted]
    for number, file in context.files.items():
        description = wanted.get(number, {}).get("description")
        found = [*found, context.world.keep(place.id, file.filename, file.type, file.data, description)]
    return found


async def _edit(context: Context) -> Any:
    message = context.message(context.channel())
    if message.author != BOT.id:
        raise refusal(50005)
    return await revise(context, message)


async def revise(context: Context, message: Message) -> Any:
    """Edits what the body names, tells the gateway, and answers the message."""
    body = context.body
    flags = message.flags | int(body.get("flags") or 0) & SETTABLE if body.get("flags") is not None else message.flags
    after = {"content": message.content, "embeds": message.embeds, "components": message.components} | body
    kept = attachments(context, context.world.channels[message.channel], message.attachments)
    limits.check(after, files=len(kept), flags=flags)
    if (body.get("flags") is not None) and not int(body["flags"]) & SUPPRESS_EMBEDS:
        flags &= ~SUPPRESS_EMBEDS
    message.flags, message.attachments = flags & ~LOADING, kept
    message.embeds, message.components = after["embeds"] or [], after["components"] or []
    context.world.edit(
        message, after["content"] or "", called(after["content"] or "", body.get("allowed_mentions"), None)
    )
    await context.audience.tell_message("MESSAGE_UPDATE", message)
    return payloads.message(context.world, message)


async def _delete(context: Context) -> None:
    place = context.channel()
    message = context.message(place)
    if message.author != BOT.id:
        context.channel("manage_messages")
    await remove(context, message)


async def remove(context: Context, message: Message) -> None:
    message.deleted = True
    await context.audience.tell_deleted(message)


async def _get(context: Context) -> Any:
    return payloads.readable(context.world, context.message(_readable(context)))


def _readable(context: Context) -> Channel:
    place = context.channel("read_message_history")
    if place.kind == "forum":
        raise refusal(50008)
    return place


async def _history(context: Context) -> Any:
    """Newest first, whatever was asked: `before`, `after` or `around` an id, 50 unless `limit` says (1 to 100)."""
    place, limit = _readable(context), int(context.query.get("limit", 50))
    if not 1 <= limit <= 100:
        raise invalid("limit", "NUMBER_TYPE_MAX", "int value should be between 1 and 100.")
    here = context.world.in_channel(place.id)
    chosen = _around(here, context.query, limit)
    return [payloads.readable(context.world, one) for one in reversed(chosen)]


def _around(here: list[Message], query: dict[str, str], limit: int) -> list[Message]:
    if "after" in query:
        return [one for one in here if int(one.id) > int(query["after"])][:limit]
    if "before" in query:
        return [one for one in here if int(one.id) < int(query["before"])][-limit:]
    if "around" in query:
        nearest = sorted(here, key=lambda one: abs(int(one.id) - int(query["around"])))[:limit]
        return [one for one in here if one in nearest]
    return here[-limit:]


async def _type(context: Context) -> None:
    place = await _writable(context)
    context.world.typing.append(Typing(place.id, BOT.id, context.world.clock.now()))


async def _react(context: Context) -> None:
    """The app's own reaction; the same one twice is one."""
    message = context.message(context.channel("add_reactions"))
    if BOT.id not in message.reactions.setdefault(context.path["emoji"], []):
        message.reactions[context.path["emoji"]].append(BOT.id)


async def _take_reaction(context: Context) -> None:
    message = context.message(context.channel())
    if BOT.id not in message.reactions.get(context.path["emoji"], []):
        raise refusal(10014)
    del message.reactions[context.path["emoji"]]


ROUTES = [
    Route("create_message", "POST", "/channels/{channel}/messages", _create),
    Route("edit_message", "PATCH", "/channels/{channel}/messages/{message}", _edit),
    Route("delete_message", "DELETE", "/channels/{channel}/messages/{message}", _delete),
    Route("get_message", "GET", "/channels/{channel}/messages/{message}", _get),
    Route("get_messages", "GET", "/channels/{channel}/messages", _history),
    Route("add_reaction", "PUT", "/channels/{channel}/messages/{message}/reactions/{emoji}/@me", _react),
    Route("remove_reaction", "DELETE", "/channels/{channel}/messages/{message}/reactions/{emoji}/@me", _take_reaction),
    Route("trigger_typing", "POST", "/channels/{channel}/typing", _type),
]
