"""A stock discord.py client, sent to the simulator: the judge of what the simulator says."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import yarl
from discord import Client, Intents, Message
from discord.app_commands import CommandTree
from discord.gateway import DiscordWebSocket
from discord.http import Route

ALL = Intents(guilds=True, guild_messages=True, dm_messages=True, message_content=True)
LEAN = Intents(guilds=True, guild_messages=True, dm_messages=True)


class Stock(Client):
    """Keeps what it hears from others, and how its session fared."""

    def __init__(self, where: dict[str, Any], intents: Intents = ALL, **options: Any) -> None:
        Route.BASE = where["api"]
        DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(where["gateway"])
        super().__init__(intents=intents, guild_ready_timeout=0.05, **options)
        self.tree = CommandTree(self)
        self.heard: asyncio.Queue[Message] = asyncio.Queue()
        self.resumed = asyncio.Event()

    async def on_message(self, message: Message) -> None:
        if message.author != self.user:
            await self.heard.put(message)

    async def on_resumed(self) -> None:
        self.resumed.set()


@contextlib.asynccontextmanager
async def running(client: Stock, token: str) -> AsyncIterator[Stock]:
    """The client, ready. What ends it before that is raised here."""
    async with client:
        await client.login(token)
        connection = asyncio.create_task(client.connect())
        ready = asyncio.create_task(client.wait_until_ready())
        try:
            await asyncio.wait({connection, ready}, return_when=asyncio.FIRST_COMPLETED)
            if connection.done():
                connection.result()
            yield client
        finally:
            ready.cancel()
            await client.close()
            await asyncio.wait({connection, ready})
