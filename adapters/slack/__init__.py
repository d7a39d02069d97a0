"""Slack: mentions, threads, the Messages tab and `/assistant`, over Socket Mode."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

import structlog
from starlette.routing import BaseRoute

from bot.adapter import Bot, ConfigurationError, PlatformError, Reply, Turn
from bot.settings import Settings
from storage.records import Conversation, IncomingRow

if TYPE_CHECKING:
    from adapters.slack.workspace import Workspace

__all__ = ["SlackAdapter"]

log = structlog.get_logger()


class SlackAdapter:
    """The adapter for one workspace. `pace` is the shortest time in seconds between two updates of a growing reply.

    With `streams` false, replies grow by edits instead of native streams.
    """

    name = "slack"

    def __init__(self, workspace: "Workspace", *, pace: float = 1.0, streams: bool = True) -> None:
        self._workspace = workspace
        self.pace = pace
        self.streams = streams

    @classmethod
    def from_settings(cls, settings: Settings) -> Self | None:
        bot_token, app_token = settings.slack_bot_token.get_secret_value(), settings.slack_app_token.get_secret_value()
        if not bot_token and not app_token:
            return None
        _check_tokens(bot_token, app_token)
        # Imported only if Slack is configured, because its libraries are an extra.
        try:
            from adapters.slack.workspace import Workspace
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] not in {"slack_bolt", "slack_sdk", "aiohttp"}:
                raise
            raise ConfigurationError(
                "Slack needs the slack extra: run `make run` again, or `pip install -e '.[slack]'` in a checkout."
            ) from None
        return cls(Workspace(bot_token, app_token, base_url=settings.slack_api_base_url))

    async def connect(self) -> None:
        try:
            await self._workspace.connect()
        except PlatformError as error:
            log.warning("not connected to Slack yet", error=str(error))

    async def listen(self, bot: Bot) -> None:
        from adapters.slack.listen import listen

        await listen(self._workspace, bot)

    def routes(self, bot: Bot) -> Sequence[BaseRoute]:  # noqa: ARG002 - Socket Mode needs no address of ours
        return []

    def reply(self, turn: Turn) -> Reply:
        from adapters.slack.reply import SlackReply

        return SlackReply(self._workspace, turn, pace=self.pace, streams=self.streams)

    async def mark_waiting(self, conversation: Conversation, message: IncomingRow, *, waits: bool) -> None:
        from adapters.slack.marks import mark

        await mark(self._workspace, conversation.channel, message.position, waits=waits)

    async def close(self) -> None:
        await self._workspace.close()


def _check_tokens(bot_token: str, app_token: str) -> None:
    if bot_token.startswith("xapp-") and app_token.startswith("xoxb-"):
        raise ConfigurationError("SLACK_BOT_TOKEN and SLACK_APP_TOKEN are swapped: xoxb-… is the bot token.")
    _check_token("SLACK_BOT_TOKEN", bot_token, "xoxb-", "OAuth & Permissions")
    _check_token("SLACK_APP_TOKEN", app_token, "xapp-", "Basic Information, under App-Level Tokens")


def _check_token(setting: str, token: str, prefix: str, page: str) -> None:
    where = f"copy the token that begins with {prefix} from your app's page {page} at https://api.slack.com/apps"
    if not token:
        raise ConfigurationError(f"{setting} is missing; Slack needs both tokens: {where}.")
    if not token.startswith(prefix):
        raise ConfigurationError(f"{setting} is the wrong kind of token: {where}.")
