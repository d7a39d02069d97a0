"""The connection to one Slack workspace: who we are there, and the one client every call goes through."""

from typing import Any

import aiohttp
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.errors import as_configuration_errors
from bot.pacing import Crowd

DEFAULT_BASE_URL = "https://slack.com/api/"
TIMEOUT = 30.0
_APPS = "https://api.slack.com/apps"


class Workspace:
    """Our place in a workspace. `team`, `bot_user` and `bot_id` are known once connected."""

    team: str
    bot_user: str
    bot_id: str
    client: AsyncWebClient

    def __init__(self, bot_token: str, app_token: str, *, base_url: str = "") -> None:
        self.bot_token = bot_token
        self.app_token = app_token
        self._base_url = base_url or DEFAULT_BASE_URL
        # The limit on updates is the workspace's.
        self.crowd = Crowd()
        self._session: aiohttp.ClientSession | None = None

    async def connect(self) -> None:
        """Ask Slack who we are, with both tokens. Raises `ConfigurationError`."""
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT))
        self.client = self.new_client(token=self.bot_token)
        cure = f"copy the Bot User OAuth Token from your app's page OAuth & Permissions at {_APPS}"
        with as_configuration_errors("SLACK_BOT_TOKEN", cure):
            us = await self.client.auth_test()
        self.team, self.bot_user, self.bot_id = str(us["team_id"]), str(us["user_id"]), str(us["bot_id"])
        await self._check_app_token()

    def new_client(self, *, token: str | None) -> AsyncWebClient:
        """A client that repeats a call only when Slack says it did not take it (429), never on a lost connection."""
        return AsyncWebClient(
            token=token,
            base_url=self._base_url,
            session=self._session,
            retry_handlers=[AsyncRateLimitErrorRetryHandler(max_retry_count=2)],
        )

    async def call(self, method: str, **arguments: Any) -> dict[str, Any]:
        """One Web API call, by POST with JSON."""
        return self._data(await self.client.api_call(method, json=arguments))

    async def read(self, method: str, **arguments: Any) -> dict[str, Any]:
        """One Web API read, by GET."""
        return self._data(await self.client.api_call(method, http_verb="GET", params=arguments))

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def _check_app_token(self) -> None:
        """Bolt would try a refused app token for ever, so it is tried here first."""
        cure = f"make an App-Level Token with connections:write on your app's page Basic Information at {_APPS}"
        with as_configuration_errors("SLACK_APP_TOKEN", f"switch Socket Mode on and {cure}"):
            await self.client.apps_connections_open(app_token=self.app_token)

    @staticmethod
    def _data(response: Any) -> dict[str, Any]:
        return dict(response.data)
