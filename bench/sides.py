"""The simulated platforms for benchmarks: a person asks, and every reply request is recorded with its time."""

import asyncio
import json
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from tests.processes import python, told
from tests.simulators.common.records import Call
from tests.simulators.discord import client as discord_client
from tests.simulators.discord import records as discord_records
from tests.simulators.discord.client import DiscordPeople, app_messages
from tests.simulators.slack import client as slack_client
from tests.simulators.slack import records as slack_records
from tests.simulators.slack.client import SlackPeople, app_replies


@dataclass(frozen=True)
class Question:
    """A question asked in its own channel, `at` seconds on the platform's clock."""

    channel: str
    message: str
    at: float


PeopleT = TypeVar("PeopleT", SlackPeople, DiscordPeople)


class Side(ABC, Generic[PeopleT]):
    """A platform with one person. `wiring` are the settings for a bot on it."""

    name: str

    def __init__(self, people: PeopleT, wiring: dict[str, str], person: str) -> None:
        self.wiring = wiring
        self.people: PeopleT = people
        self._person = person
        self._count = 0

    async def new_channel(self) -> str:
        self._count += 1
        return await self.people.channel(f"c{self._count}")

    async def ask(self, text: str, *, channel: str = "") -> Question:
        (question,) = await self.ask_at_once(text, [channel or await self.new_channel()])
        return question

    async def ask_at_once(self, text: str, channels: Sequence[str]) -> list[Question]:
        """Ask in all these channels at the same time."""
        at = await self.people.clock()
        words = f"@threadline {text}"
        said = await asyncio.gather(*(self.people.say(self._person, channel, words) for channel in channels))
        return [Question(channel, message, at) for channel, message in zip(channels, said, strict=True)]

    async def calls(self) -> list[Call]:
        return (await self.people.state()).calls

    async def read(self, question: Question) -> list[str]:
        """Return the answer as people see it, message by message."""
        return self.seen(await self.people.state(), question)

    async def until(self, question: Question, holds: Callable[[list[str]], bool], *, seconds: float = 30) -> bool:
        """Wait until the visible answer meets a condition. Return whether it did in time."""
        try:
            await self.people.until(lambda now: holds(self.seen(now, question)), seconds=seconds)
        except AssertionError:
            return False
        return True

    async def connected(self) -> None:
        await self.people.until(lambda now: now.sockets == 1)

    async def gone(self) -> None:
        await self.people.until(lambda now: now.sockets == 0)

    @abstractmethod
    def seen(self, now: Any, question: Question) -> list[str]: ...

    @abstractmethod
    async def again(self, question: Question) -> None:
        """Redeliver the question."""


def when(calls: list[Call], question: Question, words: str) -> float | None:
    """Return the seconds from a question to the first request that showed these words."""
    places = {question.channel, question.message}
    for call in calls:
        is_here = call.at >= question.at and places & {str(value) for value in call.arguments.values()}
        if is_here and words in json.dumps(call.arguments, ensure_ascii=False):
            return call.at - question.at
    return None


class SlackSide(Side[SlackPeople]):
    name = "Slack"

    @classmethod
    @asynccontextmanager
    async def simulated(cls) -> AsyncIterator["SlackSide"]:
        with python("tests.simulators.slack", "--port", "0") as process:
            where = told(process)
            async with SlackPeople(where["address"]) as people:
                yield cls(people, slack_client.wiring(where), await people.user("ada"))

    def seen(self, now: slack_records.State, question: Question) -> list[str]:
        return [message.text for message in app_replies(now, question.channel, question.message)]

    async def again(self, question: Question) -> None:
        await self.people.redeliver_message(question.message)


class DiscordSide(Side[DiscordPeople]):
    name = "Discord"

    @classmethod
    @asynccontextmanager
    async def simulated(cls) -> AsyncIterator["DiscordSide"]:
        with python("tests.simulators.discord", "--port", "0") as process:
            where = told(process)
            async with DiscordPeople(where["address"]) as people:
                await people.settings(rate_limits={"*": [50, 1.0]})
                yield cls(people, discord_client.wiring(where), await people.user("ada"))

    def seen(self, now: discord_records.State, question: Question) -> list[str]:
        places = (question.channel, question.message)
        return [message.content for place in places for message in app_messages(now, place)]

    async def again(self, question: Question) -> None:
        await self.people.redeliver(question.message)
