"""A bot that takes what comes and answers nothing: for tests of the adapter alone."""

# ruff: noqa: ARG002 - it answers nothing, whatever it is asked
import asyncio
from collections.abc import AsyncIterator, Sequence

from bot.adapter import ModelDesk, NotClaimedError, Receipt, Reply, Turn
from bot.incoming import Command, Incoming, Person, Place
from bot.settings import Settings
from bot.views import Answer, AssistantChoice, Exchange, Moment
from storage.records import Conversation


class TakingBot:
    """`Bot` that remembers what was brought to it.

    While `claims` is false nothing can be made durable; a closed `gate` holds a claim up.
    """

    def __init__(self) -> None:
        self.settings = Settings(_env_file=None)
        self.claims = True
        self.refused = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.arrived = asyncio.Event()
        self.taken: asyncio.Queue[Incoming] = asyncio.Queue()
        self.commands: list[Command] = []
        self.models: ModelDesk | None = None

    async def receive(self, incoming: Incoming) -> Receipt:
        self.arrived.set()
        await self.gate.wait()
        if not self.claims:
            self.refused += 1
            raise NotClaimedError("the disk is full")
        await self.taken.put(incoming)
        return Receipt("accepted")

    async def command(self, command: Command) -> Answer:
        self.commands.append(command)
        return Answer(f"You asked <{command.text}> & nothing else")

    async def assistants(self, place: Place, person: Person) -> list[AssistantChoice]:
        return []

    async def conversations(self, platforms: Sequence[str], *, limit: int = 50) -> list[Conversation]:
        return []

    async def transcript(self, key: str, *, limit: int = 50) -> list[Exchange]:
        return []

    def local_reply(self, turn: Turn) -> Reply:
        raise AssertionError("Slack replies are Slack's")

    async def watch(self, key: str) -> AsyncIterator[Moment]:
        return
        yield
