"""The connection to one Slack workspace: the bot's identity there, and the client for all requests."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import structlog
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.errors import RefusedError, as_configuration_errors, as_platform_errors
from bot.adapter import FileRefusedError, PlatformError
from bot.budget import Budget
from bot.pacing import Crowd

# Native streams that may be started in a minute; further replies are posted without growing.
STARTS, MINUTE = 20, 60.0
NOT_LET = "Slack did not let me read the file. An operator must add the scope files:read to the app and reinstall it."
DEFAULT_BASE_URL = "https://slack.com/api/"
TIMEOUT = 30.0
# People's names: the feature, the most look-ups per message, their time limit, and the size of the cache.
NAMES, MOST_NAMES, NAME_SECONDS, KEPT_NAMES = "names", 10, 1.0, 10_000
LACKING = frozenset(
    {"unknown_method", "feature_not_enabled", "missing_scope", "not_authorized", "not_allowed_token_type"}
)
log = structlog.get_logger()

_APPS = "https://api.slack.com/apps"


class Workspace:
    """A Slack workspace. `team`, `bot_user` and `bot_id` are known once connected."""

    team: str
    bot_user: str
    bot_id: str
    client: AsyncWebClient

    def __init__(self, bot_token: str, app_token: str, *, base_url: str = "") -> None:
        self.bot_token = bot_token
        self.app_token = app_token
        self._base_url = base_url or DEFAULT_BASE_URL
        # Slack's limits apply to the workspace, not to a reply.
        self.crowd = Crowd()
        self.starts = Budget(STARTS, MINUTE)
        # Features that this workspace, and the app in it, turned out to have, or to lack; the latter are not requested.
        self.has: set[str] = set()
        self.lacks: set[str] = set()
        self._names: dict[str, str] = {}
        self._session: aiohttp.ClientSession | None = None
        self.is_connected = False

    async def connect(self) -> None:
        """Check both tokens and learn the bot's identity. Raises `ConfigurationError`, and `PlatformError` for now."""
        await self.close()
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT))
        self.client = self.new_client(token=self.bot_token)
        cure = f"copy the Bot User OAuth Token from your app's page OAuth & Permissions at {_APPS}"
        with as_configuration_errors("SLACK_BOT_TOKEN", cure):
            us = await self.client.auth_test()
        self.team, self.bot_user, self.bot_id = str(us["team_id"]), str(us["user_id"]), str(us["bot_id"])
        await self._check_app_token()
        self.is_connected = True

    def new_client(self, *, token: str | None) -> AsyncWebClient:
        """A client that retries only if Slack did not process the request (429), never after a lost connection."""
        return AsyncWebClient(
            token=token,
            base_url=self._base_url,
            session=self._session,
            retry_handlers=[AsyncRateLimitErrorRetryHandler(max_retry_count=2)],
        )

    async def call(self, method: str, **arguments: Any) -> dict[str, Any]:
        """One Web API call, by POST with JSON. Raises `PlatformError`."""
        self._check_connected()
        with as_platform_errors(method):
            return self._data(await self.client.api_call(method, json=arguments))

    async def read(self, method: str, **arguments: Any) -> dict[str, Any]:
        """One Web API read, by GET. Raises `PlatformError`."""
        self._check_connected()
        with as_platform_errors(method):
            return self._data(await self.client.api_call(method, http_verb="GET", params=arguments))

    async def post_bytes(self, address: str, data: bytes) -> None:
        """Upload a file to the address that Slack provided, without our token. Raises `PlatformError`."""
        if self._session is None:
            raise RuntimeError("connect() comes before the first file")
        with as_platform_errors("the upload of a file"):
            async with self._session.post(address, data=data) as answer:
                answer.raise_for_status()

    async def download(self, address: str, most: int) -> bytes:
        """Download a file. Our token is sent to Slack only, and no redirect is followed. Raises `FileRefusedError`."""
        host = urlsplit(address).hostname or ""
        ours = urlsplit(self._base_url).netloc
        if self._session is None or not (host.endswith(".slack.com") or urlsplit(address).netloc == ours):
            raise FileRefusedError("Only files stored by Slack itself can be read here.")
        headers = {"Authorization": f"Bearer {self.bot_token}"}
        with as_platform_errors("the download of a file"):
            async with self._session.get(address, headers=headers, allow_redirects=False) as answer:
                if answer.status >= 500:
                    answer.raise_for_status()
                if answer.status != 200 or answer.content_type == "text/html":
                    # Without permission, Slack answers 200 with a sign-in page.
                    raise FileRefusedError(NOT_LET)
                data = await answer.content.read(most + 1)
                while len(data) <= most and (more := await answer.content.read(most + 1 - len(data))):
                    data += more
        if len(data) > most:
            raise FileRefusedError(f"The file is too large: up to {most // 1024 // 1024} MiB are read here.")
        return data

    async def names(self, people: Iterable[str]) -> dict[str, str]:
        """People's names, as far as Slack tells them in time. Names are cached."""
        unknown = [one for one in people if one not in self._names and NAMES not in self.lacks]
        async with asyncio.TaskGroup() as asking:
            for one in unknown[:MOST_NAMES]:
                asking.create_task(self._ask_name(one))
        return {one: self._names[one] for one in people if one in self._names}

    async def _ask_name(self, person: str) -> None:
        """Look up a name. A failure or a timeout is only logged, because a name must not delay a message."""
        try:
            async with asyncio.timeout(NAME_SECONDS):
                user = (await self.read("users.info", user=person))["user"]
        except RefusedError as error:
            self.learn(error, NAMES)
            log.info("cannot look up a name", person=person, error=str(error))
            return
        except (TimeoutError, PlatformError) as error:
            log.info("cannot look up a name", person=person, error=str(error))
            return
        profile = user.get("profile") or {}
        if len(self._names) >= KEPT_NAMES:
            self._names.clear()
        self._names[person] = str(
            profile.get("display_name") or profile.get("real_name") or user.get("real_name") or user.get("name") or ""
        )

    async def pages(self, method: str, *, most: int = 100, **arguments: Any) -> AsyncIterator[dict[str, Any]]:
        """The messages of a listing, from at most `most` pages. Raises `PlatformError`."""
        cursor = ""
        for _ in range(most):
            page = await self.read(method, **arguments, cursor=cursor)
            for message in page["messages"]:
                yield message
            cursor = (page.get("response_metadata") or {}).get("next_cursor", "")
            if not cursor:
                return

    def learn(self, error: RefusedError, feature: str) -> bool:
        """Return whether this refusal means that the workspace lacks a feature for good; remembers it then."""
        if error.code in LACKING:
            self.lacks.add(feature)
        return error.code in LACKING

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    def _check_connected(self) -> None:
        if not self.is_connected:
            raise PlatformError("Slack could not be reached yet.")

    async def _check_app_token(self) -> None:
        """Check the app token here, because Bolt would retry a refused one forever."""
        cure = f"make an App-Level Token with connections:write on your app's page Basic Information at {_APPS}"
        with as_configuration_errors("SLACK_APP_TOKEN", f"switch Socket Mode on and {cure}"):
            await self.client.apps_connections_open(app_token=self.app_token)

    @staticmethod
    def _data(response: Any) -> dict[str, Any]:
        return dict(response.data)
