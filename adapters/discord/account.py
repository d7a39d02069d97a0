"""The connection to Discord's REST API: the bot's identity, and the client for all requests."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import aiohttp
import discord
import structlog
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route

from adapters.discord.acknowledging import Acknowledging
from adapters.discord.attachments import body_of, uploads
from adapters.discord.errors import BarredError, RefusedError, as_configuration_errors, as_platform_errors, refusal
from adapters.discord.rate import Rate
from bot.adapter import FileRefusedError, PlatformError
from bot.segments import File

PAGE = 100
# What Discord calls the response to an interaction, whose id need not be known.
ORIGINAL = "@original"
_MESSAGES = "/channels/{channel_id}/messages"
# The bot's messages ping nobody and show no link previews.
_QUIET = {
    "allowed_mentions": {"parse": [], "replied_user": False},
    "flags": discord.MessageFlags(suppress_embeds=True).value,
}
# The bot uses no voice, so discord.py need not warn about missing voice libraries.
discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False

log = structlog.get_logger()


class Account:
    """The bot account, for sending. discord.py waits out rate limits and retries server errors."""

    def __init__(self, token: str, *, base_url: str = "", gateway_url: str = "") -> None:
        self.token = token.strip()
        self._base_url = base_url.rstrip("/")
        self._gateway_url = gateway_url
        self.rate = Rate()
        self.acknowledging = Acknowledging()
        self._client = self._new_client()
        self._logging_in = asyncio.Lock()
        self._barred_until = 0.0
        self.may_react = True

    @property
    def me(self) -> str:
        """The bot's user id, once logged in."""
        return str(self._client.user.id) if self._client.user else ""

    async def connect(self) -> None:
        """Log in. Raises `ConfigurationError`; a temporary problem is logged, and the login retried later."""
        if self._base_url:
            Route.BASE = self._base_url
        if self._gateway_url:
            DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(self._gateway_url)
        try:
            await self._log_in()
        except PlatformError as error:
            log.warning("not logged in to Discord yet; trying again with the next message", error=str(error))

    async def close(self) -> None:
        await self._client.close()

    async def post(
        self, channel: str, text: str, *, nonce: str, refers_to: str | None = None, files: Sequence[File] = ()
    ) -> dict[str, Any]:
        """Post a message. For some minutes, Discord answers a repeated nonce with the message it created first."""
        message: dict[str, Any] = {**_QUIET, "content": text, "nonce": nonce, "enforce_nonce": True}
        if refers_to:
            message["message_reference"] = {"message_id": refers_to, "fail_if_not_exists": False}
        route = Route("POST", _MESSAGES, channel_id=channel)
        return dict(await self._call("send a message", route, **body_of(message, files)))

    async def edit(self, channel: str, message: str, text: str, files: Sequence[File] = ()) -> None:
        """Edit a message; the given files replace its files."""
        route = Route("PATCH", f"{_MESSAGES}/{{message_id}}", channel_id=channel, message_id=message)
        await self._call("edit a message", route, **body_of({**_QUIET, "content": text}, files))

    async def delete(self, channel: str, message: str) -> None:
        route = Route("DELETE", f"{_MESSAGES}/{{message_id}}", channel_id=channel, message_id=message)
        await self._call("delete a message", route)

    async def history(self, channel: str, *, after: str) -> AsyncIterator[dict[str, Any]]:
        """The messages after a given one, oldest first."""
        route = Route("GET", _MESSAGES, channel_id=channel)
        while True:
            found = await self._call("read the messages", route, params={"after": after, "limit": PAGE})
            for message in sorted(found, key=lambda message: int(message["id"])):
                after = str(message["id"])
                yield message
            if len(found) < PAGE:
                return

    async def before(self, channel: str, message: str, most: int) -> AsyncIterator[dict[str, Any]]:
        """The newest messages before a given one, oldest first."""
        route = Route("GET", _MESSAGES, channel_id=channel)
        found = await self._call("read the messages", route, params={"before": message, "limit": min(most, PAGE)})
        for message_ in sorted(found, key=lambda one: int(one["id"])):
            yield message_

    async def react(self, channel: str, message: str, emoji: str, *, on: bool) -> None:
        """Add the bot's reaction to a message, or remove it."""
        path = f"{_MESSAGES}/{{message_id}}/reactions/{{emoji}}/@me"
        route = Route("PUT" if on else "DELETE", path, channel_id=channel, message_id=message, emoji=emoji)
        await self._call("react to a message", route)

    async def download(self, address: str, most: int) -> bytes:
        """Download a file from Discord's file store, without the token. Raises `FileRefusedError`."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as session:
            try:
                async with session.get(address) as answer:
                    answer.raise_for_status()
                    data = bytearray()
                    async for piece in answer.content.iter_chunked(65_536):
                        data += piece
                        if len(data) > most:
                            raise FileRefusedError(
                                f"The file is too large: up to {most // 1024 // 1024} MiB are read here."
                            )
            except aiohttp.ClientResponseError as error:
                if error.status >= 500:
                    raise PlatformError(f"Discord's file store answered {error.status}.") from error
                raise FileRefusedError("Discord no longer has a file. Please send it again.") from error
            except (TimeoutError, aiohttp.ClientError, OSError) as error:
                raise PlatformError(f"Discord's file store did not answer ({type(error).__name__}).") from error
        return bytes(data)

    async def typing(self, channel: str) -> None:
        """Show for ten seconds that the bot is typing."""
        await self._call("show that we type", Route("POST", "/channels/{channel_id}/typing", channel_id=channel))

    async def open_thread(self, channel: str, message: str, name: str) -> None:
        """Open a thread from a message; the thread gets the id of the message."""
        route = Route("POST", f"{_MESSAGES}/{{message_id}}/threads", channel_id=channel, message_id=message)
        await self._call("open a thread", route, json={"name": name})

    async def has_channel(self, channel: str) -> bool:
        """Return whether a channel or thread exists that the bot may see."""
        try:
            await self._call("look for a channel", Route("GET", "/channels/{channel_id}", channel_id=channel))
        except RefusedError as error:
            if error.retryable:
                raise
            return False
        return True

    async def edit_response(
        self, application: str, token: str, message: str, text: str, files: Sequence[File] = ()
    ) -> tuple[str, str]:
        """Edit an answer to an interaction, with its token, which is valid for fifteen minutes in any channel.

        `message` is an id or `ORIGINAL`; returns the ids of the channel and of the message.
        """
        # discord.py's webhooks cannot suppress link previews in an edit.
        route = Route(
            "PATCH",
            "/webhooks/{webhook_id}/{webhook_token}/messages/{message_id}",
            webhook_id=application,
            webhook_token=token,
            message_id=message,
        )
        edited = await self._call("answer a command", route, **body_of({**_QUIET, "content": text}, files))
        return str(edited["channel_id"]), str(edited["id"])

    async def delete_response(self, application: str, token: str, message: str) -> None:
        """Delete an answer to an interaction, with its token."""
        webhook = await self._webhook(application, token)
        with as_platform_errors("answer a command"):
            await webhook.delete_message(int(message))

    async def follow_up(self, application: str, token: str, text: str, files: Sequence[File] = ()) -> str:
        """Post another answer to an interaction; returns its id. Discord has no nonce for these."""
        webhook = await self._webhook(application, token)
        with as_platform_errors("answer a command"):
            sent = await webhook.send(
                text,
                wait=True,
                files=uploads(files),
                suppress_embeds=True,
                allowed_mentions=discord.AllowedMentions.none(),
            )
        return str(sent.id)

    async def _webhook(self, application: str, token: str) -> discord.Webhook:
        """An interaction as a webhook, which its token lets us use."""
        await self._ready()
        return discord.Webhook.partial(int(application), token, client=self._client)

    async def _call(self, doing: str, route: Route, **arguments: Any) -> Any:
        await self._ready()
        try:
            with as_platform_errors(doing):
                answer = await self._client.http.request(route, **arguments)
        except PlatformError as error:
            raise self._barred(error) from error.__cause__
        if isinstance(answer, str) and answer:
            raise PlatformError(
                f"Discord's answer was not JSON when we tried to {doing}: check DISCORD_API_BASE_URL and any proxy."
            )
        return answer

    async def _ready(self) -> None:
        """Log in if needed, and send nothing during a Cloudflare ban, because every request would prolong it."""
        left = self._barred_until - asyncio.get_running_loop().time()
        if left > 0:
            raise PlatformError(f"Cloudflare keeps us away from Discord for {left:.0f} s more.", retry_after=left)
        if not self.me:
            await self._log_in()

    async def _log_in(self) -> None:
        """Log in once. Raises `ConfigurationError` if a retry cannot help, else `PlatformError`."""
        async with self._logging_in:
            if self.me:
                return
            await self._client.close()
            self._client = self._new_client()
            try:
                with as_configuration_errors():
                    await self._client.login(self.token)
            except discord.HTTPException as error:
                raise self._barred(refusal("log in", error)) from error

    def _new_client(self) -> discord.Client:
        """A client that only sends and never opens the gateway."""
        client = discord.Client(intents=discord.Intents(guilds=True), max_messages=None)
        self.rate.limit(client)
        return client

    def _barred(self, error: PlatformError) -> PlatformError:
        """The same error. After a Cloudflare ban, every later request waits until it is over."""
        if isinstance(error, BarredError):
            self._barred_until = asyncio.get_running_loop().time() + (error.retry_after or 0)
            log.warning("sending nothing to Discord for a while", error=str(error), seconds=error.retry_after)
        return error
