"""Finds messages that were missed while the program was away or disconnected, and passes them to the bot.

A resumed gateway session replays them; a new session does not.
"""

from typing import Any

import aiohttp
import discord
import structlog

from adapters.discord.claim import claim, revise
from adapters.discord.incoming import PLATFORM, as_edited, from_message, snowflake_at
from bot.adapter import Bot
from bot.catch_up import look_from

log = structlog.get_logger()


async def catch_up(client: discord.Client, bot: Bot, *, me: int) -> bool:
    """Pass missed messages to the bot, oldest first in each place; return whether every place could be read."""
    heard = await bot.heard_until(PLATFORM)
    since = snowflake_at(look_from(discord.utils.snowflake_time(int(heard)).timestamp() if heard else None))
    missed, whole, read = 0, True, set[int]()
    for place in await _places(bot):
        try:
            for channel in await _channels(client, place, since):
                if channel.id not in read:
                    missed += await _read(bot, channel, since, me=me)
                    read.add(channel.id)
        except (TimeoutError, discord.HTTPException, aiohttp.ClientError, OSError) as error:
            # A place that may no longer be read is not worth a retry.
            whole = whole and isinstance(error, discord.Forbidden | discord.NotFound)
            log.info("cannot look for missed messages", channel=place, error=str(error))
        except Exception:
            # One place must not keep the others from being read.
            whole = False
            log.exception("looking for missed messages failed", channel=place)
    if missed:
        log.info("found messages that were missed", messages=missed)
    return whole


async def _places(bot: Bot) -> list[int]:
    """Where to look: threads, DMs, and the channels in which threads are opened."""
    known = await bot.known(PLATFORM)
    return list(dict.fromkeys(int(name) for place in known for name in (place.thread, place.channel) if name))


async def _channels(client: discord.Client, place: int, since: int) -> list[Any]:
    """What to read for a place: the place itself, and the threads of a channel, where the bot may be mentioned too."""
    channel: Any = client.get_channel(place) or await _untold(client, place)
    # A forum holds no messages, only threads.
    found = [channel] if isinstance(channel, discord.abc.Messageable) else []
    if isinstance(channel, discord.TextChannel | discord.ForumChannel):
        found += channel.threads
        async for thread in channel.archived_threads(limit=None):
            if thread.archive_timestamp < discord.utils.snowflake_time(since):
                break  # the newest come first, and a message in an archived thread revives it
            found.append(thread)
    return [one for one in found if (getattr(one, "last_message_id", None) or since + 1) > since]


async def _read(bot: Bot, channel: Any, since: int, *, me: int) -> int:
    count = 0
    async for message in channel.history(after=discord.Object(since), limit=None, oldest_first=True):
        count += await _bring(bot, message, channel, me=me)
    return count


async def _bring(bot: Bot, message: discord.Message, channel: Any, *, me: int) -> bool:
    """Pass one message to the bot; return whether it was accepted. If it waits already, its edits are applied."""
    incoming = from_message(message, channel, me=me)
    if incoming is None:
        return False
    if message.edited_at is not None:
        await revise(bot, as_edited(message, incoming))
    return (await claim(bot, incoming)).outcome == "accepted"


async def _untold(client: discord.Client, place: int) -> Any:
    """A place that the gateway does not list: a DM or an archived thread. None for anything else."""
    try:
        channel = await client.fetch_channel(place)
    except (discord.NotFound, discord.InvalidData):
        return None  # a question whose thread was never opened, or a kind of channel that discord.py does not know
    return channel if isinstance(channel, discord.DMChannel | discord.Thread) else None
