"""The connection to Discord's REST API: who we are there, and the one client every message goes through."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import aiohttp
import discord
import structlog
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route

from adapters.discord.attachments import body_of, uploads
from adapters.discord.errors import BarredError, as_configuration_errors, as_platform_errors, refusal
from bot.adapter import FileRefusedError, PlatformError
from bot.pacing import Crowd
from bot.segments import File

PAGE = 100
_MESSAGES = "/channels/{channel_id}/messages"
# No message of ours calls anybody or shows a preview of what it links to.
_QUIET = {
    "allowed_mentions": {"parse": [], "replied_user": False},
    "flags": discord.MessageFlags(suppress_embeds=True).value,
}
# We never speak: discord.py need not warn that it could not.
discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False

log = structlog.get_logger()


class Account:
    """Our bot account, able to send. discord.py waits out rate limits, and repeats what Discord's servers failed at."""

    def __init__(self, token: str, *, base_url: str = "", gateway_url: str = "") -> None:
        self.token = token.strip()
        self._base_url = base_url.rstrip("/")
        self._gateway_url = gateway_url
        self._client = _new_client()
        self._logging_in = asyncio.Lock()
        self._barred_until = 0.0
        # Fifty requests a second are all that every reply together has.
        self.crowd = Crowd()
        self.may_react = True

    @property
    def me(self) -> str:
        """Our own user id, once logged in."""
        return str(self._client.user.id) if self._client.user else ""

    async def connect(self) -> None:
        """Ask Discord who we are. Raises `ConfigurationError`; what passes by itself is logged and tried later."""
        if self._base_url:
            Route.BASE = self._base_url
        if self._gateway_url:
            DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(self._gateway_url)
        try:
            await self._log_in()
        except PlatformError as error:
            log.warning("not logged in to Discord yet", error=str(error), again="when there is something to send")

    async def close(self) -> None:
        await self._client.close()

    async def post(
        self, channel: str, text: str, *, nonce: str, refers_to: str | None = None, files: Sequence[File] = ()
    ) -> dict[str, Any]:
        """Say something. For some minutes Discord answers a nonce that comes again with the first message of it."""
        message: dict[str, Any] = {**_QUIET, "content": text, "nonce": nonce, "enforce_nonce": True}
        if refers_to:
            message["message_reference"] = {"message_id": refers_to, "fail_if_not_exists": False}
        route = Route("POST", _MESSAGES, channel_id=channel)
        return dict(await self._call("send a message", route, **body_of(message, files)))

    async def edit(self, channel: str, message: str, text: str, files: Sequence[File] = ()) -> None:
        """Change a message; these files stand in place of those it had."""
        route = Route("PATCH", f"{_MESSAGES}/{{message_id}}", channel_id=channel, message_id=message)
        await self._call("edit a message", route, **body_of({**_QUIET, "content": text}, files))

    async def delete(self, channel: str, message: str) -> None:
        route = Route("DELETE", f"{_MESSAGES}/{{message_id}}", channel_id=channel, message_id=message)
        await self._call("delete a message", route)

    async def history(self, channel: str, *, after: str) -> AsyncIterator[dict[str, Any]]:
        """The messages after one, oldest first, page after page."""
        route = Route("GET", _MESSAGES, channel_id=channel)
        while True:
            found = await self._call("read the messages", route, params={"after": after, "limit": PAGE})
            for message in sorted(found, key=lambda message: int(message["id"])):
                after = str(message["id"])
                yield message
            if len(found) < PAGE:
                return

    async def before(self, channel: str, message: str, most: int) -> AsyncIterator[dict[str, Any]]:
        """The newest messages before one, oldest first."""
        route = Route("GET", _MESSAGES, channel_id=channel)
        found = await self._call("read the messages", route, params={"before": message, "limit": min(most, PAGE)})
        for message_ in sorted(found, key=lambda one: int(one["id"])):
            yield message_

    async def react(self, channel: str, message: str, emoji: str, *, on: bool) -> None:
        """Put our reaction at a message, or take it away."""
        path = f"{_MESSAGES}/{{message_id}}/reactions/{{emoji}}/@me"
        route = Route("PUT" if on else "DELETE", path, channel_id=channel, message_id=message, emoji=emoji)
        await self._call("react to a message", route)

    async def download(self, address: str, most: int) -> bytes:
        """A file's bytes, from Discord's own store: no token goes there. Raises `FileRefusedError`."""
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
                    raise PlatformError(f"Discord's store of files answered {error.status}.") from error
                raise FileRefusedError("Discord no longer has a file: please send it again.") from error
            except (TimeoutError, aiohttp.ClientError, OSError) as error:
                raise PlatformError(f"a file could not be read ({type(error).__name__})") from error
        return bytes(data)

    async def typing(self, channel: str) -> None:
        """Show for ten seconds that we write."""
        await self._call("show that we type", Route("POST", "/channels/{channel_id}/typing", channel_id=channel))

    async def open_thread(self, channel: str, message: str, name: str) -> None:
        """Make a thread from a message; its id will be the message's."""
        route = Route("POST", f"{_MESSAGES}/{{message_id}}/threads", channel_id=channel, message_id=message)
        await self._call("open a thread", route, json={"name": name})

    async def edit_response(
        self, application: str, token: str, message: str, text: str, files: Sequence[File] = ()
    ) -> None:
        """Edit our answer to an interaction: for fifteen minutes its token may, even where the bot may not be."""
        await self._ready()
        with as_platform_errors("answer a command"):
            webhook = discord.Webhook.partial(int(application), token, client=self._client)
            await webhook.edit_message(
                int(message),
                content=text,
                attachments=uploads(files),
                allowed_mentions=discord.AllowedMentions.none(),
            )

    async def follow_up(self, application: str, token: str, text: str, files: Sequence[File] = ()) -> str:
        """Another answer to an interaction; returns its id. Discord has no nonce for these."""
        await self._ready()
        with as_platform_errors("answer a command"):
            webhook = discord.Webhook.partial(int(application), token, client=self._client)
            sent = await webhook.send(
                text,
                wait=True,
                files=uploads(files),
                suppress_embeds=True,
                allowed_mentions=discord.AllowedMentions.none(),
            )
        return str(sent.id)

    async def _call(self, doing: str, route: Route, **arguments: Any) -> Any:
        await self._ready()
        try:
            with as_platform_errors(doing):
                answer = await self._client.http.request(route, **arguments)
        except PlatformError as error:
            raise self._barred(error) from error.__cause__
        if isinstance(answer, str) and answer:
            raise PlatformError(f"Discord answered with something that is not JSON when we tried to {doing}.")
        return answer

    async def _ready(self) -> None:
        """Be logged in, and let Cloudflare's ban pass: every call meanwhile would make it longer."""
        left = self._barred_until - asyncio.get_running_loop().time()
        if left > 0:
            raise PlatformError(f"Cloudflare keeps us away from Discord for {left:.0f} s more.", retry_after=left)
        if not self.me:
            await self._log_in()

    async def _log_in(self) -> None:
        """Raises `ConfigurationError` where trying again is no use, else `PlatformError`."""
        async with self._logging_in:
            if self.me:
                return
            await self._client.close()
            self._client = _new_client()
            try:
                with as_configuration_errors():
                    await self._client.login(self.token)
            except discord.HTTPException as error:
                raise self._barred(refusal("log in", error)) from error

    def _barred(self, error: PlatformError) -> PlatformError:
        """The same error; what Cloudflare said is heeded by every later call."""
        if isinstance(error, BarredError):
            self._barred_until = asyncio.get_running_loop().time() + (error.retry_after or 0)
            log.warning("leaving Discord alone for a while", error=str(error), seconds=error.retry_after)
        return error


def _new_client() -> discord.Client:
    """A client that only sends: it never opens the gateway."""
    return discord.Client(intents=discord.Intents(guilds=True), max_messages=None)
