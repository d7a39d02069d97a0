"""One conversation on a simulated platform, as its people see it: what they ask, what they read, what comes again."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Self

from tests.processes import python, told
from tests.simulators.discord import client as discord_client
from tests.simulators.discord.client import DiscordPeople, app_messages
from tests.simulators.discord.messages import LOADING
from tests.simulators.discord.records import Message
from tests.simulators.discord.records import State as DiscordState
from tests.simulators.slack import client as slack_client
from tests.simulators.slack.client import SlackPeople, app_replies
from tests.simulators.slack.records import State as SlackState


class Scene(ABC):
    """A platform with one person; `fresh` begins another conversation."""

    wiring: dict[str, str]

    @abstractmethod
    async def fresh(self) -> None: ...

    @abstractmethod
    async def ask(self, text: str) -> None: ...

    @abstractmethod
    async def command(self, text: str) -> None: ...

    @abstractmethod
    async def connected(self) -> None:
        """Returns when the program listens."""

    @abstractmethod
    async def redeliver(self) -> None:
        """The platform tells of everything that was said here once more."""

    @abstractmethod
    async def until(self, holds: Callable[[list[str]], bool]) -> list[str]:
        """What people read of us, as soon as something holds of it."""

    @abstractmethod
    async def loose_ends(self) -> list[str]:
        """What people see that must not stay: a stream that is open, a sign that we still work."""


class SlackScene(Scene):
    def __init__(self, people: SlackPeople, told: dict[str, Any], person: str) -> None:
        self.wiring = slack_client.wiring(told)
        self._people = people
        self._person = person
        self._count = 0
        self._channel = self._root = ""
        self._said: list[str] = []

    @classmethod
    @asynccontextmanager
    async def on(cls, *, streams: bool) -> AsyncIterator["SlackScene"]:
        with python("tests.simulators.slack", "--port", "0") as process:
            where = told(process)
            async with SlackPeople(where["address"]) as people:
                await people.settings(retry_delays=[0.2] * 10_000)
                await people.app(agent=streams)
                yield cls(people, where, await people.user("ada"))

    async def fresh(self) -> None:
        self._count += 1
        self._channel, self._root, self._said = await self._people.channel(f"point-{self._count}"), "", []

    async def away(self, *, times: int) -> None:
        """Slack answers so many of our writes with nothing but that it is away."""
        for method in ("chat.postMessage", "chat.update", "chat.startStream", "agents.sessions.setStatus"):
            await self._people.fault(method, status=503, times=times)

    async def ask(self, text: str) -> None:
        thread = {"thread_ts": self._root} if self._root else {}
        ts = await self._people.say(self._person, self._channel, f"@threadline {text}", **thread)
        self._root = self._root or ts
        self._said.append(ts)

    async def command(self, text: str) -> None:
        await self._people.command(self._person, self._channel, "/assistant", text)

    async def connected(self) -> None:
        await self._people.until(lambda now: now.sockets == 1)

    async def redeliver(self) -> None:
        for ts in self._said:
            await self._people.redeliver_message(ts)

    async def until(self, holds: Callable[[list[str]], bool]) -> list[str]:
        return self._read(await self._people.until(lambda now: holds(self._read(now)), seconds=90))

    async def loose_ends(self) -> list[str]:
        def loose(now: SlackState) -> list[str]:
            replies = app_replies(now, self._channel, self._root)
            open_streams = [message.text for message in replies if message.stream == "open"]
            work = [s.status for s in now.sessions if s.thread_ts == self._root and s.status != "active"]
            return [*open_streams, *work]

        return loose(await self._people.until(lambda now: not loose(now), seconds=30))

    def _read(self, now: SlackState) -> list[str]:
        return [message.text for message in app_replies(now, self._channel, self._root) if not message.deleted]


class DiscordScene(Scene):
    def __init__(self, people: DiscordPeople, told: dict[str, Any], person: str) -> None:
        self.wiring = discord_client.wiring(told)
        self._people = people
        self._person = person
        self._count = 0
        self._channel = self._thread = ""
        self._said: list[str] = []

    @classmethod
    @asynccontextmanager
    async def on(cls) -> AsyncIterator[Self]:
        with python("tests.simulators.discord", "--port", "0") as process:
            where = told(process)
            async with DiscordPeople(where["address"]) as people:
                yield cls(people, where, await people.user("ada"))

    async def fresh(self) -> None:
        self._count += 1
        self._channel, self._thread, self._said = await self._people.channel(f"point-{self._count}"), "", []

    async def ask(self, text: str) -> None:
        said = await self._people.say(self._person, self._thread or self._channel, f"@threadline {text}")
        self._thread = self._thread or said
        self._said.append(said)

    async def command(self, text: str) -> None:
        await self._people.command(self._person, self._thread, f"/assistant {text}")

    async def connected(self) -> None:
        await self._people.until(lambda now: now.sockets == 1)

    async def redeliver(self) -> None:
        for message in self._said:
            await self._people.redeliver(message)

    async def until(self, holds: Callable[[list[str]], bool]) -> list[str]:
        return self._read(await self._people.until(lambda now: holds(self._read(now)), seconds=90))

    async def loose_ends(self) -> list[str]:
        shown = self._shown(await self._people.state())
        return [f"{message.id} is still thinking" for message in shown if message.flags & LOADING]

    def _read(self, now: DiscordState) -> list[str]:
        return [message.content for message in self._shown(now)]

    def _shown(self, now: DiscordState) -> list[Message]:
        mine = app_messages(now, self._thread)
        return [message for message in mine if not message.deleted and message.only_for is None]


class DiscordAskScene(DiscordScene):
    """Everything is asked by command in a channel. Discord never tells of a command again."""

    async def fresh(self) -> None:
        await super().fresh()
        self._thread = self._channel

    async def ask(self, text: str) -> None:
        await self._people.command(self._person, self._channel, "/assistant ask", question=text)

    def _read(self, now: DiscordState) -> list[str]:
        """Without the question, which stands above each answer."""
        texts = [message.content for message in self._shown(now) if message.content]
        return [text.partition("\n")[2] if text.startswith("> ") else text for text in texts]
