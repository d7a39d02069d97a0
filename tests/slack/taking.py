"""A bot that takes what comes, one after the other, and can be held up while it does."""

import asyncio

from bot import testing
from bot.adapter import Receipt
from bot.incoming import Command, Incoming
from bot.views import Answer


class TakingBot(testing.TakingBot):
    """`taken` gives what was taken, in its order. A closed `gate` holds a claim up; `arrived` says that one came."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()
        self.gate.set()
        self.arrived = asyncio.Event()
        self.taken: asyncio.Queue[Incoming] = asyncio.Queue()

    async def receive(self, incoming: Incoming) -> Receipt:
        self.arrived.set()
        await self.gate.wait()
        receipt = await super().receive(incoming)
        await self.taken.put(incoming)
        return receipt

    async def command(self, command: Command) -> Answer:
        await super().command(command)
        return Answer(f"You asked <{command.text}> & nothing else")
