"""Converts discord.py's messages and interactions to the bot's types. Pure."""

import datetime
import re
from typing import Any

import discord

from bot.incoming import Attached, Command, Incoming, Person, Place, Revision
from bot.words.asking import Quoted, context, display_name

PLATFORM = "discord"
# The workspace of a DM, which has no server.
DM = "dm"

_MARKUP = re.compile(
    r"<(?:a?(?P<emoji>:\w+:)\d+|(?P<sign>@&|[@#])!?(?P<id>\d+)|/(?P<command>[^:>]+):\d+|t:(?P<time>-?\d{1,12})(?::\w)?)>"
)
_NAME = 100


def from_message(message: discord.Message, channel: Any, *, me: int) -> Incoming | None:
    """A person's message; None for the bot's own and for Discord's notices. `channel` is its channel, if known."""
    if message.author.id == me or message.is_system():
        return None
    addressed = isinstance(channel, discord.DMChannel) or _mentions(message, me)
    return Incoming(
        event=ref(message.id),
        place=_place(message, channel, addressed=addressed),
        author=Person(
            str(message.author.id), message.author.display_name, is_bot=message.author.bot or bool(message.webhook_id)
        ),
        text=_spoken(message, me, addressed=addressed),
        position=position(message.id),
        addressed=addressed,
        files=_files(message, me, addressed=addressed),
    )


def as_edited(message: discord.Message, now: Incoming) -> Revision:
    """The latest edit of a message that now reads as `now`."""
    at = f"{message.edited_at.timestamp():020.6f}" if message.edited_at else ""
    return Revision(now.event, now.text, now.files, at)


def from_ask(interaction: discord.Interaction, question: str) -> Incoming:
    """A question asked with `/assistant ask`; the answer goes into the bot's response to it."""
    return Incoming(
        event=ref(interaction.id),
        place=place_of(interaction),
        author=_person(interaction),
        text=question,
        position=position(interaction.id),
        addressed=True,
        reply_to={"application": str(interaction.application_id), "token": interaction.token},
    )


def from_command(interaction: discord.Interaction, text: str) -> Command:
    return Command(ref(interaction.id), place_of(interaction), _person(interaction), text)


def place_of(interaction: discord.Interaction) -> Place:
    """Where a command was given: a DM, a thread, or a channel, which is a conversation of its own."""
    channel = interaction.channel
    if isinstance(channel, discord.Thread):
        return _thread(interaction.guild_id, channel)
    return _channel(interaction.guild_id, interaction.channel_id or 0)


def ref(identity: int | str) -> str:
    return f"{PLATFORM}:{identity}"


def position(snowflake: int) -> str:
    """An id as text that sorts like the number."""
    return f"{snowflake:020d}"


def snowflake_at(at: float) -> int:
    """The first id that Discord gives out at a Unix time."""
    return max(0, int(at * 1000) - discord.utils.DISCORD_EPOCH) << 22


def thread_name(question: str) -> str:
    """A name for the thread of a question: its text on one line, at most a hundred characters."""
    words = " ".join(_MARKUP.sub(lambda found: found["emoji"] or found["command"] or "", question).split())
    if len(words) > _NAME:
        words = words[: _NAME - 1].rsplit(" ", 1)[0] + "…"
    return words or "Question"


def _place(message: discord.Message, channel: Any, *, addressed: bool) -> Place:
    if isinstance(channel, discord.DMChannel):
        return _channel(None, channel.id)
    guild = _guild(channel)
    if isinstance(channel, discord.Thread):
        return _thread(guild, channel)
    if addressed and not isinstance(channel, discord.TextChannel):
        # A voice channel has no threads, so the channel itself is the conversation.
        return _channel(guild, channel.id)
    # A thread opened from a message gets the id of the message, so the key is known before the thread exists.
    return Place(ref(message.id), PLATFORM, str(guild), str(channel.id), str(message.id))


def _guild(channel: Any) -> int | None:
    """The server of a channel, also of one that the gateway did not send."""
    return channel.guild_id if isinstance(channel, discord.PartialMessageable) else channel.guild.id


def _thread(guild: int | None, thread: discord.Thread) -> Place:
    return Place(ref(thread.id), PLATFORM, str(guild), str(thread.parent_id), str(thread.id))


def _channel(guild: int | None, channel: int) -> Place:
    return Place(ref(channel), PLATFORM, str(guild or DM), str(channel))


def _person(interaction: discord.Interaction) -> Person:
    return Person(str(interaction.user.id), interaction.user.display_name, interaction.user.bot)


def _mentions(message: discord.Message, me: int) -> bool:
    """Return whether the bot is mentioned: by name, by a reply, or by the role that Discord gave it."""
    roles = (role for role in message.role_mentions if role.tags is not None)
    return any(user.id == me for user in message.mentions) or any(role.tags.bot_id == me for role in roles if role.tags)


def _text(content: str, message: discord.Message, me: int) -> str:
    """The text without the bot's mention; other mentions as names, times as dates, custom emoji by their names."""
    ours = [f"!?{me}", *(f"&{role.id}" for role in message.role_mentions if role.tags and role.tags.bot_id == me)]
    spoken = re.sub(rf"[ \t]*<@(?:{'|'.join(ours)})>[ \t]*", " ", content).strip()
    names = {f"@{user.id}": f"@{display_name(user.display_name)}" for user in message.mentions}
    names |= {f"@&{role.id}": f"@{display_name(role.name)}" for role in message.role_mentions}
    names |= {f"#{channel.id}": f"#{display_name(channel.name)}" for channel in message.channel_mentions}
    return _MARKUP.sub(lambda found: _words(found, names), spoken)


def _words(found: re.Match[str], names: dict[str, str]) -> str:
    if found["time"]:
        return _date(int(found["time"])) or found.group()
    if found["id"]:
        return names.get(f"{found['sign']}{found['id']}", found.group())
    return found["emoji"] or f"/{found['command']}"


def _date(seconds: int) -> str:
    try:
        return datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
    except (ValueError, OverflowError, OSError):
        return ""


def _files(message: discord.Message, me: int, *, addressed: bool) -> tuple[Attached, ...]:
    """The files of a message and of the messages it refers to."""
    pointed_to = [file for _, _, files in quoted(message, me=me, addressed=addressed) for file in files]
    return tuple(map(_file, [*message.attachments, *pointed_to]))


def _file(file: discord.Attachment) -> Attached:
    return Attached(file.filename, file.content_type or "", file.size, file.url)


def read(message: dict[str, Any]) -> str:
    """The text of a message of Discord's REST API."""
    names = {
        f"@{user['id']}": f"@{display_name(user.get('global_name') or user['username'])}"
        for user in message["mentions"]
    }
    return _MARKUP.sub(lambda found: _words(found, names), message["content"])


def _spoken(message: discord.Message, me: int, *, addressed: bool) -> str:
    """The question, preceded by the messages it refers to."""
    words = _text(message.content, message, me)
    pointed_to = quoted(message, me=me, addressed=addressed)
    said = [Quoted(name, text) for name, text, _ in pointed_to if text.strip()]
    return f"{context(said, 'a message this one refers to')}\n\n{words}".strip() if said else words


def quoted(
    message: discord.Message, *, me: int, addressed: bool = True
) -> list[tuple[str, str, list[discord.Attachment]]]:
    """The messages that a message refers to, as (name, text, files).

    These are the messages it forwards, and the one it replies to if the bot is addressed and did not write that one.
    """
    found = []
    replied = message.reference.resolved if message.reference and addressed else None
    if isinstance(replied, discord.Message) and replied.author.id != me:
        found.append((replied.author.display_name, _text(replied.content, replied, me), replied.attachments))
    forwarded = message.message_snapshots
    found += [("forwarded", _text(snapshot.content, message, me), snapshot.attachments) for snapshot in forwarded]
    return [one for one in found if one[1].strip() or one[2]]
