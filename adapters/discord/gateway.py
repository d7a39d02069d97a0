"""One connection to Discord's gateway: passes its messages, edits and commands to the bot."""

import asyncio
from dataclasses import replace
from typing import Any

import discord
import structlog

from adapters.discord.acknowledging import Acknowledging
from adapters.discord.away import catch_up
from adapters.discord.claim import claim, pauses, revise
from adapters.discord.commands import Commands
from adapters.discord.errors import as_platform_errors
from adapters.discord.incoming import DM, PLATFORM, as_edited, from_message, ref
from adapters.discord.rate import Rate
from bot.adapter import Bot, PlatformError
from bot.catch_up import retries
from bot.incoming import Person, Place, Revision

log = structlog.get_logger()


# The permissions that the bot needs; docs/discord.md lists them too.
PERMISSIONS = discord.Permissions(
    view_channel=True,
    send_messages=True,
    read_message_history=True,
    create_public_threads=True,
    send_messages_in_threads=True,
    add_reactions=True,
)


class TooSoonError(Exception):
    """The next IDENTIFY may not be sent for `seconds`."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"the next IDENTIFY may be sent in {seconds:.0f} s")
        self.seconds = seconds


class Identifies:
    """Spaces out IDENTIFYs: after a thousand in a day, Discord resets the token."""

    PAUSES = (0.0, 5.0, 10.0, 20.0, 40.0, 120.0)
    # discord.py gives up a connection that is not identified after a minute.
    PATIENCE = 45.0
    CALM = 600.0

    def __init__(self) -> None:
        self._sent = 0
        self._last = 0.0

    async def wait(self) -> None:
        """Wait until the next one may be sent. Raises `TooSoonError` if that is too long for an open socket."""
        now = asyncio.get_running_loop().time()
        if now - self._last > self.CALM:
            self._sent = 0
        pause = self._last + self.PAUSES[min(self._sent, len(self.PAUSES) - 1)] - now
        if pause > self.PATIENCE:
            raise TooSoonError(pause)
        await asyncio.sleep(max(0.0, pause))
        self._sent += 1
        self._last = asyncio.get_running_loop().time()


class Listener(discord.Client):
    """Passes messages and commands to the bot. `reads_all` requests the text of messages without a mention."""

    # A gateway that answers heartbeats is never silent for this long, so the connection is lost.
    SILENCE = 60.0

    def __init__(
        self, bot: Bot, identifies: Identifies, rate: Rate, acknowledging: Acknowledging, *, reads_all: bool
    ) -> None:
        super().__init__(
            intents=discord.Intents(guilds=True, guild_messages=True, dm_messages=True, message_content=reads_all),
            allowed_mentions=discord.AllowedMentions.none(),
            max_messages=None,
            heartbeat_timeout=self.SILENCE,
        )
        # Answers go before the search for missed messages, but may not keep it waiting: people wait for it, too.
        rate.limit(self, gives_way=0.1)
        self.was_ready = False
        self._closes = False
        self._looking: asyncio.Task[None] | None = None
        self._commands: Commands | None = None
        self._bot = bot
        self._identifies = identifies
        self._acknowledging = acknowledging

    async def setup_hook(self) -> None:
        anywhere = Place(key="", platform=PLATFORM, workspace=DM, channel="")
        assistants = await self._bot.assistants(anywhere, Person(""))
        self._commands = Commands(self, self._bot, assistants, self._acknowledging)
        try:
            if await self._commands.offer():
                log.info("commands registered with Discord")
        except discord.HTTPException as error:
            log.warning("Discord refused the commands; those registered before still work", error=str(error))

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:  # noqa: ARG002
        await self._identifies.wait()
        # A new session receives no messages from before it.
        self._bot.gap(PLATFORM)

    async def on_ready(self) -> None:
        self.was_ready = True
        log.info("listening to Discord", account=str(self.user), servers=len(self.guilds))
        if not self.guilds:
            log.warning(
                "the bot is on no server yet; open this address to invite it",
                address=invitation(self.application_id or 0),
            )

        self._look_back()

    def _look_back(self) -> None:
        """Look for messages missed while there was no session; a look in progress is restarted."""
        if self.user is None or self._closes:
            return
        if self._looking is not None:
            self._looking.cancel()
        self._looking = asyncio.create_task(self._catch_up(self.user.id), name="discord-looks-back")

    async def _catch_up(self, me: int) -> None:
        """Look until every place could be read."""
        for pause in retries():
            try:
                if await catch_up(self, self._bot, me=me) and await self._bot.caught_up(PLATFORM):
                    return
            except Exception:
                log.exception("looking for missed messages failed", again_in=pause)
            await asyncio.sleep(pause)

    def dispatch(self, event: str, /, *args: Any, **kwargs: Any) -> None:
        """Drop events once the client is closed: discord.py then has no loop to dispatch them on and fails."""
        if not self.is_closed():
            super().dispatch(event, *args, **kwargs)

    async def close(self) -> None:
        self._closes = True
        if self._looking is not None:
            self._looking.cancel()
        try:
            if self._commands is not None:
                await self._commands.finish()
        finally:
            await super().close()

    async def on_message(self, message: discord.Message) -> None:
        if self.user is None:
            return
        incoming = from_message(message, await self._channel_of(message), me=self.user.id)
        if incoming is not None:
            # After a message that was missing for a while, none counts as the newest until a search is complete.
            await claim(self._bot, incoming, self._look_back)
        elif message.author.id != self.user.id:
            self._bot.unanswered(ref(message.id), f"a notice from Discord ({message.type.name})")

    async def on_raw_message_edit(self, payload: discord.RawMessageUpdateEvent) -> None:
        # Discord also reports embeds and pins as edits, without a change of the text.
        if self.user is None or "content" not in payload.data:
            return
        message = payload.message
        now = from_message(message, await self._channel_of(message), me=self.user.id)
        if now is None:
            return
        receipt = await revise(self._bot, as_edited(message, now))
        # An edit that adds the mention makes the message a question, if the bot decides that it is not too late.
        if receipt.outcome == "ignored" and now.addressed:
            age = (discord.utils.utcnow() - message.created_at).total_seconds()
            await claim(self._bot, replace(now, edited_after=age), self._look_back)

    async def on_raw_message_delete(self, payload: discord.RawMessageDeleteEvent) -> None:
        await revise(self._bot, Revision(ref(payload.message_id), None))

    async def on_raw_bulk_message_delete(self, payload: discord.RawBulkMessageDeleteEvent) -> None:
        for message in sorted(payload.message_ids):
            await revise(self._bot, Revision(ref(message), None))

    async def _channel_of(self, message: discord.Message) -> Any:
        """The channel of a message; fetched if the gateway did not send it, as with an archived thread."""
        if not isinstance(message.channel, discord.PartialMessageable):
            return message.channel
        for pause in pauses():
            try:
                with as_platform_errors("see the channel of a message"):
                    return await self.fetch_channel(message.channel.id)
            except PlatformError as error:
                log.warning("cannot fetch the channel of a message", message=message.id, error=str(error))
                if not error.retryable:
                    break
                await asyncio.sleep(error.retry_after or pause)
        return message.channel


def invitation(application: int) -> str:
    """The address at which the manager of a server invites the bot."""
    return discord.utils.oauth_url(application, permissions=PERMISSIONS, scopes=("bot", "applications.commands"))
