"""Slack keeps the adapter contract: real Bolt and slack_sdk in a simulated workspace."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from typing import Any, Literal

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack import SlackAdapter
from adapters.slack.render import CONTINUED, LIMIT
from bot.settings import Settings
from bot.testing import AdapterContract, Said, Stage, TakingBot
from tests.processes import python, told
from tests.simulators.slack.client import SlackPeople, app_replies
from tests.simulators.slack.records import Delivery, State

CREATES = ("chat.postMessage", "chat.startStream")
WRITES = (*CREATES, "chat.update", "chat.appendStream", "chat.stopStream")


class SlackStage(Stage):
    """A person in one channel; every conversation is a thread, which a mention begins."""

    limit = LIMIT
    continued = CONTINUED.strip()

    def __init__(
        self,
        adapter: SlackAdapter,
        bot: TakingBot,
        slack: SlackPeople,
        earlier: AsyncWebClient,
        *,
        person: str,
        channel: str,
    ) -> None:
        self.adapter = adapter
        self.bot = bot
        self._slack = slack
        self._earlier = earlier
        self._person = person
        self._channel = channel

    async def say(self, text: str, *, after: Said | None = None, addressed: bool = True) -> Said:
        root = after.where if after else None
        words = f"@threadline {text}" if addressed and not after else text
        ts = await self._slack.say(self._person, self._channel, words, thread_ts=root)
        return Said(root or ts, ts)

    async def say_as(self, who: Literal["bot", "us"], text: str) -> Said:
        us = (await self._slack.state()).bot
        user, bot = (us["user_id"], us["bot_id"]) if who == "us" else (self._person, "B0OTHER")
        ts = await self._slack.say(user, self._channel, f"@threadline {text}", bot_id=bot)
        return Said(ts, ts)

    async def acknowledged(self, said: Said) -> bool:
        """Of a mention and its twin, both."""
        now = await self._slack.until(lambda now: all(d.acked_at or d.gave_up for d in _of(now, said)))
        return all(delivery.acked_at for delivery in _of(now, said))

    async def resend(self, said: Said) -> None:
        for delivery in _of(await self._slack.state(), said):
            await self._slack.redeliver(delivery.event_id)

    async def watch(self, said: Said) -> AsyncGenerator[Sequence[str], None]:
        now = await self._slack.state()
        while True:
            yield [message.text for message in app_replies(now, self._channel, said.where)]
            now = await self._slack.state(after=now.version)

    async def click(self, said: Said, action: str) -> None:  # noqa: ARG002 - it stands elsewhere
        """A button of an earlier version of the app, which stands in the channel still."""
        button = {"type": "button", "action_id": action, "text": {"type": "plain_text", "text": "Again"}}
        blocks = [{"type": "actions", "block_id": "old", "elements": [button]}]
        posted = await self._earlier.chat_postMessage(channel=self._channel, text="Press me", blocks=blocks)
        await self._slack.click(self._person, action, channel=self._channel, ts=posted["ts"])

    async def pinged(self, said: Said) -> Sequence[str]:
        replies = await self._slack.replies(self._channel, said.where)
        return [ping for message in replies for ping in message.pings]

    async def refuse(self, status: Literal[429, 500], *, times: int = 1) -> None:
        for method in WRITES:
            await self._slack.fault(method, status=status, times=times, retry_after=1)

    async def lose(self) -> None:
        for method in CREATES:
            await self._slack.fault(method, lose="after")

    async def hold(self) -> None:
        for method in CREATES:
            await self._slack.fault(method, hold=True)

    async def held(self) -> None:
        await self._slack.until(_is_calling)

    async def release(self) -> None:
        await self._slack.forget_faults()
        await self._slack.release()
        await self._slack.until(lambda now: not _is_calling(now))


def _of(state: State, said: Said) -> list[Delivery]:
    return [delivery for delivery in state.deliveries if delivery.ts == said.message]


def _is_calling(state: State) -> bool:
    return any(call.method in WRITES and not call.status for call in state.calls)


@pytest.fixture(scope="class")
def simulator() -> Iterator[dict[str, Any]]:
    """One workspace, its own process."""
    with python("tests.simulators.slack", "--port", "0") as process:
        yield told(process)


class TestSlackByEdits(AdapterContract):
    streams = False

    @pytest.fixture
    async def stage(self, simulator: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SlackStage]:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
            monkeypatch.delenv(name, raising=False)
        settings = Settings(
            slack_bot_token=simulator["bot_token"],
            slack_app_token=simulator["app_token"],
            slack_api_base_url=simulator["api"],
            _env_file=None,
        )
        adapter, bot = SlackAdapter.from_settings(settings), TakingBot()
        assert adapter is not None
        adapter.pace, adapter.streams = 0.01, self.streams
        await adapter.connect()
        listening = asyncio.create_task(adapter.listen(bot))
        async with SlackPeople(simulator["address"]) as slack:
            await slack.until(lambda now: now.sockets == 1)
            # Slack's own retries would come into a later test.
            await slack.settings(retry_delays=[])
            person, channel = await slack.user("ada"), await slack.channel("contract")
            earlier = AsyncWebClient(simulator["bot_token"], base_url=simulator["api"])
            yield SlackStage(adapter, bot, slack, earlier, person=person, channel=channel)
            await slack.forget_faults()
            listening.cancel()
            await asyncio.wait([listening])
            await adapter.close()
            assert (await slack.until(lambda now: now.sockets == 0)).failures == []


class TestSlackByStreams(TestSlackByEdits):
    streams = True
