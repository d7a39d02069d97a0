"""Objects as Discord writes them: users, channels, threads, messages, the server. Pure."""

from datetime import UTC, datetime
from typing import Any

from tests.simulators.discord import permissions
from tests.simulators.discord.records import Channel, Message, User
from tests.simulators.discord.world import APPLICATION, BOT, EPOCH, GUILD, GUILD_NAME, World

Payload = dict[str, Any]


def timestamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def created(snowflake: str) -> str:
    """When the thing with this id was made."""
    return timestamp(((int(snowflake) >> 22) + EPOCH) / 1000)


def user(person: User) -> Payload:
    return {
        "id": person.id,
        "username": person.name,
        "global_name": person.name.capitalize(),
        "discriminator": "0",
        "avatar": None,
        "bot": person.bot,
    }


def member(person: User, **more: Any) -> Payload:
    """A member without its user, as messages carry it."""
    return {
        "roles": [],
        "nick": None,
        "avatar": None,
        "joined_at": created(person.id),
        "deaf": False,
        "mute": False,
        "flags": 0,
        "pending": False,
        **more,
    }


def channel(world: World, place: Channel) -> Payload:
    if place.kind == "dm":
        return {"id": place.id, "type": 1, "recipients": [user(world.users[place.user])], "flags": 0} | _last(
            world, place
        )
    if place.kind == "thread":
        return _thread(world, place) | _last(world, place)
    overwrite = {"id": BOT.id, "type": 1, "allow": "0", "deny": str(permissions.bits(place.denied))}
    return {
        "id": place.id,
        "type": 15 if place.kind == "forum" else 0,
        "guild_id": GUILD,
        "name": place.name,
        "position": list(world.channels).index(place.id),
        "permission_overwrites": [overwrite] if place.denied else [],
        "nsfw": False,
        "topic": None,
        "rate_limit_per_user": 0,
        "parent_id": None,
        "flags": 0,
    } | _last(world, place)


def _last(world: World, place: Channel) -> Payload:
    if place.kind == "forum":
        posts = [one.id for one in world.channels.values() if one.parent == place.id and not one.deleted]
        return {"last_message_id": posts[-1] if posts else None, "available_tags": []}
    here = world.in_channel(place.id)
    return {"last_message_id": here[-1].id if here else None}


def _thread(world: World, place: Channel) -> Payload:
    count = len([message for message in world.in_channel(place.id) if message.id != place.id])
    return {
        "id": place.id,
        "type": 11,
        "guild_id": GUILD,
        "parent_id": place.parent,
        "owner_id": place.owner,
        "name": place.name,
        "message_count": count,
        "total_message_sent": count,
        "member_count": 1,
        "rate_limit_per_user": 0,
        "flags": 0,
        "thread_metadata": {
            "archived": place.archived,
            "locked": place.locked,
            "auto_archive_duration": place.auto_archive,
            "archive_timestamp": created(place.id),
            "create_timestamp": created(place.id),
        },
    }


def thread_member(place: Channel) -> Payload:
    """The app's own membership of a thread it started."""
    return {"id": place.id, "user_id": BOT.id, "join_timestamp": created(place.id), "flags": 0}


def message(world: World, shown: Message) -> Payload:
    """A message as REST gives it. Gateway events add where it is, see `event`."""
    payload: Payload = {
        "id": shown.id,
        "channel_id": shown.channel,
        "author": user(world.users[shown.author]),
        "content": shown.content,
        "timestamp": timestamp(shown.at),
        "edited_timestamp": timestamp(shown.edited_at) if shown.edited_at else None,
        "tts": False,
        "mention_everyone": shown.mentions_everyone,
        "mentions": [user(world.users[one]) for one in shown.mentions if one in world.users],
        "mention_roles": [],
        "attachments": shown.attachments,
        "embeds": shown.embeds,
        "components": shown.components,
        "pinned": False,
        "type": shown.type,
        "flags": shown.flags,
    }
    if shown.webhook is not None:
        payload["webhook_id"] = shown.webhook
    if shown.author == BOT.id:
        payload["application_id"] = APPLICATION
    return (
        payload | _reference(world, shown) | _forwarded(world, shown) | _origin(world, shown) | _started(world, shown)
    )


def _reference(world: World, shown: Message) -> Payload:
    if shown.reference is None:
        return {}
    said = world.messages.get(shown.reference)
    place = {"channel_id": shown.channel} | ({} if is_dm(world, shown) else {"guild_id": GUILD})
    found = None if said is None or said.deleted else message(world, said)
    return {"message_reference": {"type": 0, "message_id": shown.reference, **place}, "referenced_message": found}


def _forwarded(world: World, shown: Message) -> Payload:
    """What it brings along, as it was then; nobody says whose it was."""
    if shown.forwarded is None:
        return {}
    told = message(world, world.messages[shown.forwarded])
    kept = ("type", "content", "embeds", "attachments", "timestamp", "edited_timestamp", "flags", "mentions")
    place = {"type": 1, "message_id": told["id"], "channel_id": told["channel_id"]}
    snapshot = {name: told[name] for name in kept} | {"mention_roles": [], "components": []}
    return {"message_reference": place, "message_snapshots": [{"message": snapshot}]}


def _origin(world: World, shown: Message) -> Payload:
    """Which interaction a response came from."""
    if shown.interaction is None:
        return {}
    came = world.interactions[shown.interaction]
    asker = user(world.users[came.user])
    metadata = {"id": came.id, "type": came.type, "user": asker, "authorizing_integration_owners": {"0": GUILD}}
    if came.original not in (None, shown.id):
        metadata["original_response_message_id"] = came.original
    return {"interaction_metadata": metadata}


def _started(world: World, shown: Message) -> Payload:
    """The thread that was made from it."""
    thread = world.channels.get(shown.id)
    return {} if thread is None or thread.deleted or thread.id == shown.channel else {"thread": channel(world, thread)}


def is_dm(world: World, shown: Message) -> bool:
    return world.channels[shown.channel].kind == "dm"


def readable(world: World, shown: Message) -> Payload:
    """A message as REST lets the app read it: the portal's switch decides, whatever a session asked for."""
    payload = message(world, shown)
    return payload if is_dm(world, shown) or "message_content" in world.privileged else censored(payload)


def event(world: World, shown: Message) -> Payload:
    """A message as the gateway tells of it."""
    payload = message(world, shown)
    if shown.nonce is not None:
        payload["nonce"] = shown.nonce
    if is_dm(world, shown):
        return payload | {"channel_type": 1}
    for person in payload["mentions"]:
        person["member"] = member(world.users[person["id"]])
    return payload | {
        "guild_id": GUILD,
        "channel_type": 11 if world.channels[shown.channel].kind == "thread" else 0,
        **({} if shown.webhook else {"member": member(world.users[shown.author])}),
    }


def censored(payload: Payload) -> Payload:
    """What an app without message content sees: nothing, except in DMs, its own messages and those that mention it."""
    said = payload.get("referenced_message")
    shown = payload | ({"referenced_message": censored(said)} if said else {})
    shown |= {"message_snapshots": []} if "message_snapshots" in shown else {}
    mine = payload["author"]["id"] == BOT.id or BOT.id in [one["id"] for one in payload["mentions"]]
    return shown if mine else shown | {"content": "", "embeds": [], "attachments": [], "components": []}


def guild(world: World) -> Payload:
    """The whole server, as GUILD_CREATE tells it. Without the members intent only the app's own member is listed."""
    role = {"id": GUILD, "name": "@everyone", "color": 0, "hoist": False, "position": 0, "managed": False}
    places = [place for place in world.channels.values() if not place.deleted]
    return {
        "id": GUILD,
        "name": GUILD_NAME,
        "icon": None,
        "owner_id": "1000000000000000003",
        "roles": [role | {"permissions": str(permissions.ALL), "mentionable": False, "flags": 0}],
        "emojis": [],
        "stickers": [],
        "features": [],
        "verification_level": 0,
        "default_message_notifications": 0,
        "explicit_content_filter": 0,
        "mfa_level": 0,
        "nsfw_level": 0,
        "premium_tier": 0,
        "preferred_locale": "en-US",
        "joined_at": created(BOT.id),
        "large": False,
        "unavailable": False,
        "member_count": len(world.users),
        "members": [member(BOT, user=user(BOT))],
        "presences": [],
        "voice_states": [],
        "stage_instances": [],
        "guild_scheduled_events": [],
        "soundboard_sounds": [],
        "channels": [channel(world, place) for place in places if place.kind in ("text", "forum")],
        "threads": [channel(world, place) for place in places if place.kind == "thread" and not place.archived],
    }
