"""What was said while we were not there: looked up in the conversations we know, and taken like anything else.

A resumed session tells it by itself; a new one does not. What was heard already is looked at once more for some
minutes' worth: claiming it again does nothing.
"""

import time
from typing import Any

import aiohttp
import discord
import structlog

from adapters.discord.claim import claim, revise
from adapters.discord.incoming import PLATFORM, as_edited, earlier, from_message, snowflake_at
from bot.adapter import Bot

OVERLAP = 600.0
# Who has waited longer for an answer has found another.
LONGEST = 3 * 86_400.0

log = structlog.get_logger()


async def catch_up(client: discord.Client, bot: Bot, *, me: int) -> bool:
    """Bring what we missed before the bot, oldest first in each place; whether every place could be looked at."""
    since = _since(await bot.heard_until(PLATFORM))
    missed, whole, read = 0, True, set[int]()
    for place in await _places(bot):
        try:
            for channel in await _channels(client, place, since):
                if channel.id not in read:
                    missed += await _read(bot, channel, since, me=me)
                    read.add(channel.id)
        except (TimeoutError, discord.HTTPException, aiohttp.ClientError, OSError) as error:
            # Where we may not read any more there is nothing to come back for.
            whole = whole and isinstance(error, discord.Forbidden | discord.NotFound)
            log.info("cannot look for what was missed", channel=place, error=str(error))
    if missed:
        log.info("found what was said while we were away", messages=missed)
    return whole


async def _places(bot: Bot) -> list[int]:
    """Where to look: threads, DMs, and the channels that threads are made in."""
    known = await bot.known(PLATFORM)
    return list(dict.fromkeys(int(name) for place in known for name in (place.thread, place.channel) if name))


async def _channels(client: discord.Client, place: int, since: int) -> list[Any]:
    """What to read for a place: itself, and the threads of a channel, into any of which somebody may have called us."""
    channel: Any = client.get_channel(place) or await _untold(client, place)
    found = [] if channel is None else [channel]
    if isinstance(channel, discord.TextChannel):
        found += channel.threads
        async for thread in channel.archived_threads(limit=None):
            if thread.archive_timestamp < discord.utils.snowflake_time(since):
                break  # the newest come first, and what is written into one brings it back
            found.append(thread)
    return [one for one in found if (getattr(one, "last_message_id", None) or since + 1) > since]


async def _read(bot: Bot, channel: Any, since: int, *, me: int) -> int:
    count = 0
    async for message in channel.history(after=discord.Object(since), limit=None, oldest_first=True):
        count += await _bring(bot, message, channel, me=me)
    return count


async def _bring(bot: Bot, message: discord.Message, channel: Any, *, me: int) -> bool:
    """Whether it was new and is ours to answer. One that waits, and was edited meanwhile, says what it says now."""
    incoming = from_message(message, channel, me=me)
    if incoming is None:
        return False
    if message.edited_at is not None:
        await revise(bot, as_edited(message, incoming))
    return (await claim(bot, incoming)).outcome == "accepted"


async def _untold(client: discord.Client, place: int) -> Any:
    """A place that the gateway does not tell of: a DM, or a thread that is archived. None for anything else."""
    try:
        channel = await client.fetch_channel(place)
    except discord.NotFound:
        return None  # a question whose thread was never made
    return channel if isinstance(channel, discord.DMChannel | discord.Thread) else None


def _since(heard: str | None) -> int:
    longest = snowflake_at(time.time() - LONGEST)
    return max(earlier(int(heard), OVERLAP), longest) if heard else longest
