"""Discord: DMs, mentions, threads and `/assistant`, over the gateway."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

from starlette.routing import BaseRoute

from bot.adapter import Bot, ConfigurationError, Reply, Turn
from bot.settings import Settings
from storage.records import Conversation, IncomingRow

if TYPE_CHECKING:
    from adapters.discord.account import Account

__all__ = ["DiscordAdapter"]

# Seconds before each attempt to reconnect; the last one repeats.
PAUSES = (1.0, 2.0, 5.0, 15.0, 30.0, 60.0)


class DiscordAdapter:
    """The adapter for one bot account. `pace` is the shortest time in seconds between two updates of a reply."""

    name = "discord"

    def __init__(self, account: "Account", *, pace: float = 1.2, pauses: Sequence[float] = PAUSES) -> None:
        self._account = account
        self.pace = pace
        self.pauses = pauses

    @classmethod
    def from_settings(cls, settings: Settings) -> Self | None:
        token = settings.discord_token.get_secret_value()
        if not token:
            return None
        # Imported only if Discord is configured, because its library is an extra.
        try:
            from adapters.discord.account import Account
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] not in {"discord", "aiohttp"}:
                raise
            raise ConfigurationError(
                "Discord needs the discord extra: run `make run` again, or `pip install -e '.[discord]'` in a checkout."
            ) from None
        return cls(Account(token, base_url=settings.discord_api_base_url, gateway_url=settings.discord_gateway_url))

    async def connect(self) -> None:
        await self._account.connect()

    async def listen(self, bot: Bot) -> None:
        from adapters.discord.listen import listen

        await listen(self._account, bot, pauses=self.pauses)

    def routes(self, bot: Bot) -> Sequence[BaseRoute]:  # noqa: ARG002 - the gateway needs no address of ours
        return []

    def reply(self, turn: Turn) -> Reply:
        from adapters.discord.reply import DiscordReply

        return DiscordReply(self._account, turn, pace=self.pace)

    async def mark_waiting(self, conversation: Conversation, message: IncomingRow, *, waits: bool) -> None:
        from adapters.discord.marks import mark

        await mark(self._account, conversation, message, waits=waits)

    async def close(self) -> None:
        await self._account.close()
