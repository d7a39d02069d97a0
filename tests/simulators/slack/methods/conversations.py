"""conversations.* and users.*: what was said, where, by whom."""

import base64
from typing import Any

from tests.simulators.slack.methods.base import Context, Method, SlackError, as_json
from tests.simulators.slack.records import Channel, Message, User
from tests.simulators.slack.world import BOT, TEAM

LIMIT = 1000


async def _replies(context: Context) -> dict[str, Any]:
    """A thread, oldest first, its root always there; `oldest` and `cursor` narrow what follows."""
    channel, root = context.channel(), context.required("ts")
    context.may_read(channel, history=True)
    thread = context.world.thread(channel.id, root)
    if not thread:
        raise SlackError("thread_not_found")
    page, more = _page(context, [message for message in thread[1:] if _is_wanted(context, message)])
    return {"messages": _shown(context, [thread[0], *page]), **more}


async def _history(context: Context) -> dict[str, Any]:
    """A channel, newest first, without what stands in threads."""
    channel = context.channel()
    if not channel.has_bot:
        raise SlackError("not_in_channel")
    context.may_read(channel, history=True)
    said = [message for message in context.world.history(channel.id) if not message.thread_ts]
    page, more = _page(context, [message for message in reversed(said) if _is_wanted(context, message)])
    shown = _shown(context, page)
    for message in shown:
        message |= _thread_of(context, channel, message["ts"])
    return {"messages": shown, **more}


def _thread_of(context: Context, channel: Channel, root: str) -> dict[str, Any]:
    """What the root of a thread says of it."""
    replies = context.world.thread(channel.id, root)[1:]
    if not replies:
        return {}
    return {"thread_ts": root, "reply_count": len(replies), "latest_reply": replies[-1].ts}


def _is_wanted(context: Context, message: Message) -> bool:
    oldest = str(context.arguments.get("oldest") or "0")
    latest = str(context.arguments.get("latest") or "9")
    if message.ts in (oldest, latest):
        return context.flag("inclusive")
    return oldest < message.ts < latest


def _page(context: Context, messages: list[Message]) -> tuple[list[Message], dict[str, Any]]:
    limit, cursor = min(int(context.arguments.get("limit") or LIMIT), LIMIT), context.arguments.get("cursor")
    start = int(base64.b64decode(str(cursor))) if cursor else 0
    end = start + limit
    if end >= len(messages):
        return messages[start:end], {"has_more": False}
    following = base64.b64encode(f"{end}".encode()).decode()
    return messages[start:end], {"has_more": True, "response_metadata": {"next_cursor": following}}


def _shown(context: Context, messages: list[Message]) -> list[dict[str, Any]]:
    with_metadata = context.flag("include_all_metadata")
    return [as_json(message, with_metadata=with_metadata) for message in messages]


async def _info(context: Context) -> dict[str, Any]:
    channel = context.channel()
    context.may_read(channel, history=False)
    return {"channel": _as_channel(channel)}


def _as_channel(channel: Channel) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": channel.id,
        "is_channel": channel.kind == "channel",
        "is_group": channel.kind == "group",
        "is_im": channel.kind == "im",
        "is_mpim": channel.kind == "mpim",
        "is_private": channel.kind != "channel",
        "is_archived": channel.archived,
        "is_member": channel.has_bot,
    }
    return shown | ({"user": channel.user} if channel.kind == "im" else {"name": channel.name})


async def _open(context: Context) -> dict[str, Any]:
    """A DM with a person."""
    context.scope("im:write")
    user = context.required("users")
    if user not in context.world.users:
        raise SlackError("user_not_found")
    return {"channel": {"id": context.world.dm(user).id}}


async def _user(context: Context) -> dict[str, Any]:
    user = context.required("user")
    if user == BOT["user_id"]:
        return {"user": _as_user(User(user, BOT["name"]), is_bot=True)}
    if user not in context.world.users:
        raise SlackError("user_not_found")
    shown = _as_user(context.world.users[user], is_bot=False)
    if not context.flag("include_locale"):
        shown.pop("locale")
    return {"user": shown}


def _as_user(user: User, *, is_bot: bool) -> dict[str, Any]:
    name = user.name.capitalize()
    return {
        "id": user.id,
        "team_id": TEAM,
        "name": user.name,
        "real_name": name,
        "profile": {"display_name": name, "real_name": name},
        "is_admin": user.admin,
        "is_bot": is_bot,
        "deleted": False,
        "locale": user.locale,
        "tz": "Europe/London",
    }


METHODS = {
    "conversations.replies": Method(_replies, tier=3),
    "conversations.history": Method(_history, tier=3),
    "conversations.info": Method(_info, tier=3),
    "conversations.open": Method(_open, tier=3),
    "users.info": Method(_user, "users:read", tier=4),
}
