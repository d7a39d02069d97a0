"""What the app does with places and people: DMs, channels, threads, itself."""

from typing import Any

from tests.simulators.discord import payloads
from tests.simulators.discord.context import Context, Route
from tests.simulators.discord.errors import invalid, refusal
from tests.simulators.discord.records import Channel
from tests.simulators.discord.world import APPLICATION, BOT, GUILD

NAME = 100
AUTO_ARCHIVE = (60, 1440, 4320, 10080)


async def _me(context: Context) -> Any:
    return payloads.user(BOT) | {"verified": True, "mfa_enabled": False, "email": None, "flags": 0}


async def _application(context: Context) -> Any:
    return {
        "id": APPLICATION,
        "name": BOT.name,
        "icon": None,
        "description": "",
        "bot_public": True,
        "bot_require_code_grant": False,
        "verify_key": "0" * 64,
        "owner": payloads.user(next(iter(context.world.users.values()))),
        "team": None,
        "summary": "",
        "flags": context.world.flags(),
    }


async def _gateway(context: Context) -> Any:
    start = {"total": 1000, "remaining": 1000, "reset_after": 0, "max_concurrency": 1}
    return {"url": f"{context.world.gateway}/gateway/", "shards": 1, "session_start_limit": start}


async def _user(context: Context) -> Any:
    person = context.world.users.get(context.path["user"])
    if person is None:
        raise refusal(10013)
    return payloads.user(person)


async def _guild(context: Context) -> Any:
    if context.path["guild"] != GUILD:
        raise refusal(10004)
    return payloads.guild(context.world)


async def _member(context: Context) -> Any:
    person = context.world.users.get(context.path["user"])
    if person is None:
        raise refusal(10013)
    return payloads.member(person, user=payloads.user(person))


async def _dm(context: Context) -> Any:
    person = context.world.users.get(str(context.body["recipient_id"]))
    if person is None or person.bot:
        raise refusal(50007)
    return payloads.channel(context.world, context.world.dm(person.id))


async def _channel(context: Context) -> Any:
    return payloads.channel(context.world, context.channel())


async def _modify(context: Context) -> Any:
    place = context.channel()
    if place.kind == "dm":
        raise refusal(50024)
    if place.owner != BOT.id:
        context.channel("manage_threads")
    place.name = _name(context.body.get("name", place.name))
    place.archived = context.body.get("archived", place.archived)
    place.locked = context.body.get("locked", place.locked)
    place.auto_archive = _auto_archive(context.body.get("auto_archive_duration", place.auto_archive))
    await context.audience.tell_place("THREAD_UPDATE" if place.kind == "thread" else "CHANNEL_UPDATE", place)
    return payloads.channel(context.world, place)


async def _delete(context: Context) -> Any:
    place = context.channel("manage_threads")
    payload = payloads.channel(context.world, place)
    place.deleted = True
    await context.audience.tell_place("THREAD_DELETE" if place.kind == "thread" else "CHANNEL_DELETE", place)
    return payload


async def _start_from_message(context: Context) -> Any:
    parent = context.channel("create_public_threads")
    if parent.kind == "forum":
        raise refusal(50024)
    message = context.message(parent)
    if message.id in context.world.channels:
        raise refusal(160004)
    return await _start(context, parent, message.id)


async def _start_alone(context: Context) -> Any:
    return await _start(context, context.channel("create_public_threads"), None)


async def _start(context: Context, parent: Channel, message: str | None) -> Any:
    if parent.kind != "text":
        raise refusal(50024)
    name = _name(context.body.get("name", ""))
    keep = _auto_archive(context.body.get("auto_archive_duration") or 1440)
    thread = context.world.add_thread(parent, name, BOT.id, message, keep)
    await context.audience.tell_thread(thread)
    return payloads.channel(context.world, thread) | {"member": payloads.thread_member(thread)}


def _name(name: str) -> str:
    if not 1 <= len(name) <= NAME:
        raise invalid("name", "BASE_TYPE_BAD_LENGTH", f"Must be between 1 and {NAME} in length.")
    return name


def _auto_archive(minutes: int) -> int:
    if minutes not in AUTO_ARCHIVE:
        raise invalid("auto_archive_duration", "BASE_TYPE_CHOICES", f"Value must be one of {AUTO_ARCHIVE}.")
    return int(minutes)


async def _active(context: Context) -> Any:
    threads = [one for one in context.world.channels.values() if one.kind == "thread" and not one.deleted]
    return _listed(context, [one for one in threads if not one.archived])


async def _archived(context: Context) -> Any:
    parent = context.channel("read_message_history")
    threads = [one for one in context.world.channels.values() if one.parent == parent.id and not one.deleted]
    return _listed(context, [one for one in reversed(threads) if one.archived]) | {"has_more": False}


def _listed(context: Context, threads: list[Channel]) -> dict[str, Any]:
    mine = [payloads.thread_member(one) for one in threads if one.owner == BOT.id]
    return {"threads": [payloads.channel(context.world, one) for one in threads], "members": mine}


async def _join(context: Context) -> None:
    context.channel()


ROUTES = [
    Route("get_current_user", "GET", "/users/@me", _me),
    Route("get_current_application", "GET", "/oauth2/applications/@me", _application),
    Route("get_gateway_bot", "GET", "/gateway/bot", _gateway),
    Route("get_user", "GET", "/users/{user}", _user),
    Route("get_guild", "GET", "/guilds/{guild}", _guild),
    Route("get_member", "GET", "/guilds/{guild}/members/{user}", _member),
    Route("create_dm", "POST", "/users/@me/channels", _dm),
    Route("get_channel", "GET", "/channels/{channel}", _channel),
    Route("modify_channel", "PATCH", "/channels/{channel}", _modify),
    Route("delete_channel", "DELETE", "/channels/{channel}", _delete),
    Route("start_thread_from_message", "POST", "/channels/{channel}/messages/{message}/threads", _start_from_message),
    Route("start_thread", "POST", "/channels/{channel}/threads", _start_alone),
    Route("list_active_threads", "GET", "/guilds/{guild}/threads/active", _active),
    Route("list_public_archived_threads", "GET", "/channels/{channel}/threads/archived/public", _archived),
    Route("join_thread", "PUT", "/channels/{channel}/thread-members/@me", _join),
]
