"""Finds messages that were missed while the program was away or disconnected, and passes them to the bot.

A resumed gateway session replays them; a new session does not.
"""

import random
from collections.abc import Coroutine, Sequence
from typing import Any

import aiohttp
import discord
import structlog

from adapters.discord.claim import claim, revise
from adapters.discord.incoming import PLATFORM, as_edited, from_message, ref, snowflake_at
from adapters.discord.place import Posted
from bot.adapter import Bot
from bot.catch_up import look_from

log = structlog.get_logger()


async def catch_up(client: discord.Client, bot: Bot, *, me: int) -> bool:
    """Pass missed messages to the bot, oldest first in each place; return whether every place could be read."""
    until = int(await bot.heard_until(PLATFORM) or 0)
    since = snowflake_at(look_from(discord.utils.snowflake_time(until).timestamp() if until else None))
    search = _Search(client, bot, since, me)
    places = {place: client.get_channel(place) for place in await _places(bot)}
    listed: list[Any] = [channel for channel in places.values() if channel is not None]
    threads = [thread for channel in listed for thread in getattr(channel, "threads", ())]
    unlisted = [place for place, channel in places.items() if channel is None]
    # If a search is interrupted again and again, every place must have its turn: who has waited longest comes first. Of
    # places that the gateway does not list, those used last come first, but each has a chance to come early.
    in_turn = sorted([*listed, *threads], key=_last_message)
    chances = {place: random.expovariate(1 / rank) for rank, place in enumerate(unlisted, 1)}
    for channel in await _with_news(bot, in_turn, until):
        await search.through(channel.id, search.read(channel))
    for place in sorted(unlisted, key=chances.__getitem__):
        await search.through(place, search.fetch(place))
    # The rest: a message may be missing before one that arrived.
    for channel in in_turn:
        await search.through(channel.id, search.read(channel))
    for channel in listed:
        await search.through(channel.id, search.read_archived(channel))
    if search.missed:
        log.info("found messages that were missed", messages=search.missed)
    return search.whole


async def _places(bot: Bot) -> list[int]:
    """Where to look: threads, DMs, and the channels in which threads are opened."""
    known = await bot.known(PLATFORM)
    return list(dict.fromkeys(int(name) for place in known for name in (place.thread, place.channel) if name))


async def _with_news(bot: Bot, channels: Sequence[Any], until: int) -> list[Any]:
    """Those whose last message did not arrive: neither a question nor an answer of ours, nor from before `until`."""
    last = {channel.id: _last_message(channel) for channel in channels}
    refs = {key: {ref(message), Posted(str(key), str(message)).ref} for key, message in last.items() if message > until}
    ours = await bot.of_ours({one for either in refs.values() for one in either})
    return [channel for channel in channels if channel.id in refs and not refs[channel.id] & ours]


def _last_message(channel: Any) -> int:
    return getattr(channel, "last_message_id", None) or 0


class _Search:
    """A search for messages since a snowflake: how many were `missed`, and whether every place could be read."""

    def __init__(self, client: discord.Client, bot: Bot, since: int, me: int) -> None:
        self.missed = 0
        self.whole = True
        self._client = client
        self._bot = bot
        self._since = since
        self._me = me
        self._read: set[int] = set()

    async def through(self, place: int, reading: Coroutine[Any, Any, None]) -> None:
        """Search a place; an error there does not keep the others from being searched."""
        try:
            await reading
        except (TimeoutError, discord.HTTPException, aiohttp.ClientError, OSError) as error:
            # A place that may no longer be read is not worth a retry.
            self.whole = self.whole and isinstance(error, discord.Forbidden | discord.NotFound)
            log.info("cannot look for missed messages", channel=place, error=str(error))
        except Exception:
            self.whole = False
            log.exception("looking for missed messages failed", channel=place)

    async def read(self, channel: Any) -> None:
        """Read a channel, a DM or a thread. A forum holds no messages, only threads."""
        holds_messages = isinstance(channel, discord.abc.Messageable)
        is_new = (_last_message(channel) or self._since + 1) > self._since
        if channel.id in self._read or not holds_messages or not is_new:
            return
        async for message in channel.history(after=discord.Object(self._since), limit=None, oldest_first=True):
            self.missed += await _bring(self._bot, message, channel, me=self._me)
        self._read.add(channel.id)

    async def fetch(self, place: int) -> None:
        """Read a place that the gateway does not list: a DM or an archived thread."""
        try:
            channel = await self._client.fetch_channel(place)
        except (discord.NotFound, discord.InvalidData):
            return  # a question whose thread was never opened, or a kind of channel that discord.py does not know
        if isinstance(channel, discord.DMChannel | discord.Thread):
            await self.read(channel)

    async def read_archived(self, channel: Any) -> None:
        """Read the archived threads of a channel, where the bot may be mentioned, too."""
        if not isinstance(channel, discord.TextChannel | discord.ForumChannel):
            return
        async for thread in channel.archived_threads(limit=None):
            if thread.archive_timestamp < discord.utils.snowflake_time(self._since):
                return  # the newest come first, and a message in an archived thread revives it
            await self.read(thread)


async def _bring(bot: Bot, message: discord.Message, channel: Any, *, me: int) -> bool:
    """Pass one message to the bot; return whether it was accepted. If it waits already, its edits are applied."""
    incoming = from_message(message, channel, me=me)
    if incoming is None:
        return False
    if message.edited_at is not None:
        await revise(bot, as_edited(message, incoming))
    return (await claim(bot, incoming)).outcome == "accepted"
