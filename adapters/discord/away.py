"""What was said while we were not there: looked up in the conversations we know, and taken like anything else.

A resumed session tells it by itself; a new one does not. What was seen already is looked at once more for some minutes'
worth: claiming it again does nothing.
"""

import datetime
from collections.abc import Iterable
from typing import Any

import discord
import structlog

from adapters.discord.claim import claim
from adapters.discord.incoming import PLATFORM, earlier, from_message, ref
from bot.adapter import Bot
from bot.incoming import Known

OVERLAP = 600.0
# Who has waited longer for an answer has found another.
LONGEST = datetime.timedelta(days=3)
TOO_LATE = "said more than three days before we looked"
MOST = 500

log = structlog.get_logger()


async def catch_up(client: discord.Client, bot: Bot, *, me: int) -> None:
    """Bring what we missed before the bot, oldest first in each place. One that cannot be read is skipped."""
    missed = 0
    for place, seen in _places(await bot.known(PLATFORM)).items():
        try:
            missed += await _place(client, bot, place, seen, me=me)
        except discord.HTTPException as error:
            log.info("cannot look for what was missed", channel=place, error=str(error))
    if missed:
        log.info("found what was said while we were away", messages=missed)


def _places(conversations: Iterable[Known]) -> dict[int, int]:
    """Where to look, and after which message: threads, DMs, and the channels that threads are made in."""
    places: dict[int, int] = {}
    for known in conversations:
        seen = int(known.seen_until)
        for place in filter(None, (known.place.thread, known.place.channel)):
            places[int(place)] = max(places.get(int(place), 0), seen)
    return places


async def _place(client: discord.Client, bot: Bot, place: int, seen: int, *, me: int) -> int:
    channel: Any = client.get_channel(place) or await _direct(client, place)
    # Discord tells of every thread that is not archived; one that is has nothing new.
    if channel is None or (getattr(channel, "last_message_id", None) or seen + 1) <= seen:
        return 0
    count = 0
    async for message in channel.history(after=discord.Object(earlier(seen, OVERLAP)), limit=MOST, oldest_first=True):
        incoming = from_message(message, channel, me=me)
        if incoming is None:
            continue
        if message.created_at < discord.utils.utcnow() - LONGEST:
            bot.unanswered(ref(message.id), TOO_LATE)
        else:
            count += (await claim(bot, incoming)).outcome == "accepted"
    return count


async def _direct(client: discord.Client, place: int) -> Any:
    """A DM, of which the gateway does not tell; None for anything else that it does not tell of."""
    try:
        channel = await client.fetch_channel(place)
    except discord.NotFound:
        return None
    return channel if isinstance(channel, discord.DMChannel) else None
