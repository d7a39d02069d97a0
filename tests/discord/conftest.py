"""A Discord server for tests, and a bot that takes what the adapter brings it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from adapters.discord import DiscordAdapter
from bot.settings import Settings
from bot.testing import TakingBot
from tests.processes import python, told
from tests.simulators.discord.client import DiscordPeople


@pytest.fixture(scope="module")
def simulator() -> Iterator[dict[str, Any]]:
    """One server a module, its own process."""
    with python("tests.simulators.discord", "--port", "0") as process:
        yield told(process)


@pytest.fixture
async def discord(simulator: dict[str, Any]) -> AsyncIterator[DiscordPeople]:
    """The people in it. Afterwards nothing that must not happen may have happened."""
    async with DiscordPeople(simulator["address"]) as people:
        yield people
        assert (await people.state()).failures == []


@pytest.fixture
def settings(simulator: dict[str, Any]) -> Settings:
    return Settings(
        discord_token=simulator["token"],
        discord_api_base_url=simulator["api"],
        discord_gateway_url=simulator["gateway"],
        _env_file=None,
    )


@pytest.fixture
async def adapter(settings: Settings) -> AsyncIterator[DiscordAdapter]:
    """A connected adapter that does not wait long between updates, nor between connections."""
    adapter = DiscordAdapter.from_settings(settings)
    assert adapter is not None
    adapter.pace, adapter.pauses = 0.01, (0.01, 0.02)
    await adapter.connect()
    yield adapter
    await adapter.close()


@pytest.fixture
async def bot(adapter: DiscordAdapter, discord: DiscordPeople) -> AsyncIterator[TakingBot]:
    """A bot that the adapter listens for, connected."""
    bot = TakingBot()
    listening = asyncio.create_task(adapter.listen(bot))
    await discord.until(lambda now: now.sockets == 1)
    yield bot
    listening.cancel()
    await asyncio.wait([listening])
    await discord.until(lambda now: now.sockets == 0)
