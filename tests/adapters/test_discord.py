"""Discord keeps the adapter contract: real discord.py on a simulated server."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from itertools import count
from typing import Any, Literal

import pytest

from adapters.discord import DiscordAdapter
from adapters.discord.render import CONTINUED, LIMIT
from bot.settings import Settings
from bot.testing import AdapterContract, Said, Stage, TakingBot
from tests.processes import python, told
from tests.simulators.discord.client import DiscordPeople, app_messages
from tests.simulators.discord.records import State

WRITES = ("create_message", "edit_message", "start_thread_from_message")


class DiscordStage(Stage):
    """A person in one channel; every conversation is a thread, which the answer to a mention opens."""

    limit = LIMIT
    continued = CONTINUED.strip()

    def __init__(
        self, adapter: DiscordAdapter, bot: TakingBot, discord: DiscordPeople, *, person: str, channel: str
    ) -> None:
        self.adapter = adapter
        self.bot = bot
        self._discord = discord
        self._person = person
        self._channel = channel
        self._fences = count(1)

    async def say(self, text: str, *, after: Said | None = None, addressed: bool = True) -> Said:
        if after:
            return Said(after.where, await self._discord.say(self._person, after.where, text))
        words = f"@threadline {text}" if addressed else text
        message = await self._discord.say(self._person, self._channel, words)
        return Said(message, message)

    async def say_as(self, who: Literal["bot", "us"], text: str) -> Said:
        us = (await self._discord.state()).bot["id"]
        author = us if who == "us" else await self._discord.user("otherbot", bot=True)
        message = await self._discord.say(author, self._channel, f"@threadline {text}")
        return Said(message, message)

    async def acknowledged(self, said: Said) -> bool:  # noqa: ARG002 - everything before it
        """The gateway tells in order: when something said afterwards has come, so has this."""
        fence = f"fence {next(self._fences)}"
        await self._discord.say(self._person, await self._discord.dm(self._person), fence)
        self.bot.received.remove(await self.bot.takes(fence))
        return True

    async def resend(self, said: Said) -> None:
        if not any(refused.event.endswith(said.message) for refused in self.bot.refused):
            await self._discord.redeliver(said.message)

    async def watch(self, said: Said) -> AsyncGenerator[Sequence[str], None]:
        now = await self._discord.state()
        while True:
            yield [message.content for message in app_messages(now, said.where) if not message.deleted]
            now = await self._discord.state(after=now.version)

    async def click(self, said: Said, action: str) -> None:
        await self._discord.press(self._person, said.message, action)

    async def pinged(self, said: Said) -> Sequence[str]:
        return [ping for message in await self._discord.said(said.where) for ping in message.pings]

    async def refuse(self, status: Literal[429, 500], *, times: int = 1) -> None:
        for method in WRITES:
            await self._discord.fault(method, status=status, times=times, retry_after=0.05)

    async def lose(self) -> None:
        await self._discord.fault("create_message", lose="after")

    async def hold(self) -> None:
        await self._discord.fault("create_message", hold=True)

    async def held(self) -> None:
        await self._discord.until(_is_calling)

    async def release(self) -> None:
        await self._discord.release()
        await self._discord.until(lambda now: not _is_calling(now))


def _is_calling(state: State) -> bool:
    return any(call.method == "create_message" and not call.status for call in state.calls)


@pytest.fixture(scope="class")
def simulator() -> Iterator[dict[str, Any]]:
    """One server, its own process."""
    with python("tests.simulators.discord", "--port", "0") as process:
        yield told(process)


class TestDiscord(
    AdapterContract,
    lacks={"acknowledgement": "Discord's gateway is told nothing; the adapter tries until a message is claimed"},
):
    @pytest.fixture
    async def stage(self, simulator: dict[str, Any]) -> AsyncIterator[DiscordStage]:
        settings = Settings(
            discord_token=simulator["token"],
            discord_api_base_url=simulator["api"],
            discord_gateway_url=simulator["gateway"],
            _env_file=None,
        )
        adapter, bot = DiscordAdapter.from_settings(settings), TakingBot()
        assert adapter is not None
        adapter.pace, adapter.pauses = 0.01, (0.01, 0.02)
        await adapter.connect()
        listening = asyncio.create_task(adapter.listen(bot))
        async with DiscordPeople(simulator["address"]) as discord:
            await discord.until(lambda now: now.sockets == 1)
            person, channel = await discord.user("ada"), await discord.channel("contract")
            yield DiscordStage(adapter, bot, discord, person=person, channel=channel)
            await discord.forget_faults()
            listening.cancel()
            await asyncio.wait([listening])
            await adapter.close()
            assert (await discord.until(lambda now: now.sockets == 0)).failures == []
