"""A Slack workspace for tests, and a bot that takes what the adapter brings it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from adapters.slack import SlackAdapter
from bot.settings import Settings
from tests.processes import python, told
from tests.simulators.slack.client import SlackPeople
from tests.slack.taking import TakingBot


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """slack_sdk sends even loopback through a proxy that the environment names."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def simulator() -> Iterator[dict[str, Any]]:
    """One workspace a module, its own process."""
    with python("tests.simulators.slack", "--port", "0") as process:
        yield told(process)


@pytest.fixture
async def slack(simulator: dict[str, Any]) -> AsyncIterator[SlackPeople]:
    """The people in it. Afterwards nothing that must not happen may have happened."""
    async with SlackPeople(simulator["address"]) as people:
        yield people
        assert (await people.state()).failures == []


@pytest.fixture
def settings(simulator: dict[str, Any]) -> Settings:
    return Settings(
        slack_bot_token=simulator["bot_token"],
        slack_app_token=simulator["app_token"],
        slack_api_base_url=simulator["api"],
        _env_file=None,
    )


@pytest.fixture
async def adapter(settings: Settings) -> AsyncIterator[SlackAdapter]:
    """A connected adapter that does not wait long between updates."""
    adapter = SlackAdapter.from_settings(settings)
    assert adapter is not None
    adapter.pace = 0.01
    await adapter.connect()
    yield adapter
    await adapter.close()


@pytest.fixture
async def bot(adapter: SlackAdapter, slack: SlackPeople) -> AsyncIterator[TakingBot]:
    """A bot that the adapter listens for, connected."""
    bot = TakingBot()
    listening = asyncio.create_task(adapter.listen(bot))
    await slack.until(lambda now: now.sockets == 1)
    yield bot
    listening.cancel()
    await asyncio.wait([listening])
    await slack.until(lambda now: now.sockets == 0)
