"""The simulated platforms as a bench sees them: somebody asks, and every call that answers is told with its time."""

import json
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tests.processes import python, told
from tests.simulators.common.records import Call
from tests.simulators.discord.client import DiscordPeople, app_messages
from tests.simulators.slack.client import SlackPeople, app_replies


@dataclass(frozen=True)
class Question:
    """Asked in a channel of its own, `at` seconds on the platform's clock."""

    channel: str
    message: str
    at: float


class Side(ABC):
    """A platform with one person on it. `wiring` are the settings of a bot that is to live there."""

    name: str
    wiring: dict[str, str]

    @abstractmethod
    async def ask(self, text: str, *, channel: str = "") -> Question: ...

    @abstractmethod
    async def new_channel(self) -> str: ...

    @abstractmethod
    async def calls(self) -> list[Call]: ...

    @abstractmethod
    async def read(self, question: Question) -> list[str]:
        """What people read as its answer, message by message."""

    @abstractmethod
    async def until(self, question: Question, holds: Callable[[list[str]], bool], *, seconds: float = 30) -> bool:
        """Whether what people read made it true in time."""

    @abstractmethod
    async def again(self, question: Question) -> None:
        """The platform tells of the question once more."""

    @abstractmethod
    async def connected(self) -> None: ...

    @abstractmethod
    async def gone(self) -> None: ...


def when(calls: list[Call], question: Question, words: str) -> float | None:
    """Seconds from a question to the first call that brought these words before people."""
    places = {question.channel, question.message}
    for call in calls:
        is_here = call.at >= question.at and places & {str(value) for value in call.arguments.values()}
        if is_here and words in json.dumps(call.arguments, ensure_ascii=False):
            return call.at - question.at
    return None


class SlackSide(Side):
    name = "Slack"

    def __init__(self, people: SlackPeople, where: dict[str, str], person: str) -> None:
        self.wiring = {
            "SLACK_BOT_TOKEN": where["bot_token"],
            "SLACK_APP_TOKEN": where["app_token"],
            "SLACK_API_BASE_URL": where["api"],
        }
        self._people = people
        self._person = person
        self._count = 0

    @classmethod
    @asynccontextmanager
    async def simulated(cls) -> AsyncIterator["SlackSide"]:
        with python("tests.simulators.slack", "--port", "0") as process:
            where = told(process)
            async with SlackPeople(where["address"]) as people:
                yield cls(people, where, await people.user("ada"))

    async def new_channel(self) -> str:
        self._count += 1
        return await self._people.channel(f"c{self._count}")

    async def ask(self, text: str, *, channel: str = "") -> Question:
        channel = channel or await self.new_channel()
        at = await self._people.clock()
        return Question(channel, await self._people.say(self._person, channel, f"@threadline {text}"), at)

    async def calls(self) -> list[Call]:
        return (await self._people.state()).calls

    async def read(self, question: Question) -> list[str]:
        return [message.text for message in await self._people.replies(question.channel, question.message)]

    async def until(self, question: Question, holds: Callable[[list[str]], bool], *, seconds: float = 30) -> bool:
        try:
            await self._people.until(
                lambda now: holds([m.text for m in app_replies(now, question.channel, question.message)]),
                seconds=seconds,
            )
        except AssertionError:
            return False
        return True

    async def again(self, question: Question) -> None:
        await self._people.redeliver_message(question.message)

    async def connected(self) -> None:
        await self._people.until(lambda now: now.sockets == 1)

    async def gone(self) -> None:
        await self._people.until(lambda now: now.sockets == 0)


class DiscordSide(Side):
    name = "Discord"

    def __init__(self, people: DiscordPeople, where: dict[str, str], person: str) -> None:
        self.wiring = {
            "DISCORD_TOKEN": where["token"],
            "DISCORD_API_BASE_URL": where["api"],
            "DISCORD_GATEWAY_URL": where["gateway"],
        }
        self._people = people
        self._person = person
        self._count = 0

    @classmethod
    @asynccontextmanager
    async def simulated(cls) -> AsyncIterator["DiscordSide"]:
        with python("tests.simulators.discord", "--port", "0") as process:
            where = told(process)
            async with DiscordPeople(where["address"]) as people:
                yield cls(people, where, await people.user("ada"))

    async def new_channel(self) -> str:
        self._count += 1
        return await self._people.channel(f"c{self._count}")

    async def ask(self, text: str, *, channel: str = "") -> Question:
        channel = channel or await self.new_channel()
        at = await self._people.clock()
        return Question(channel, await self._people.say(self._person, channel, f"@threadline {text}"), at)

    async def calls(self) -> list[Call]:
        return (await self._people.state()).calls

    async def read(self, question: Question) -> list[str]:
        now = await self._people.state()
        places = (question.channel, question.message)
        return [message.content for place in places for message in app_messages(now, place)]

    async def until(self, question: Question, holds: Callable[[list[str]], bool], *, seconds: float = 30) -> bool:
        places = (question.channel, question.message)
        try:
            await self._people.until(
                lambda now: holds([m.content for place in places for m in app_messages(now, place)]), seconds=seconds
            )
        except AssertionError:
            return False
        return True

    async def again(self, question: Question) -> None:
        await self._people.redeliver(question.message)

    async def connected(self) -> None:
        await self._people.until(lambda now: now.sockets == 1)

    async def gone(self) -> None:
        await self._people.until(lambda now: now.sockets == 0)
