"""The whole core with an adapter that posts over HTTP and simulated people, to measure the cost of a turn."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from assistants.connector import AssistantsClient
from bot.adapter import Reply, Turn
from bot.app import wire_core
from bot.configuration import elsewhere, load_configuration
from bot.core import Core
from bot.embedded import BUILT_IN
from bot.incoming import Incoming, Person, Place
from bot.local import LocalAdapter
from bot.roster import Roster
from bot.segments import Segment, Snapshot
from bot.settings import Settings
from storage.sqlite import SQLiteDatabase


class Posting:
    """The platform: one HTTP request per message."""

    def __init__(self, url: str, http: aiohttp.ClientSession) -> None:
        self._url = url
        self._http = http

    async def post(self, conversation: str) -> None:
        body = {"channel": conversation, "text": "It is four."}
        async with self._http.post(f"{self._url}/platform/post", json=body) as response:
            await response.read()


class BenchReply:
    """A `Reply` that posts the complete answer once."""

    def __init__(self, posting: Posting, turn: Turn, posted: dict[str, asyncio.Future[None]]) -> None:
        self._posting = posting
        self._turn = turn
        self._posted = posted

    async def find(self) -> None: ...

    async def show(self, snapshot: Snapshot) -> None: ...

    async def finish(self, _: Sequence[Segment]) -> None:
        key = self._turn.conversation.key
        await self._posting.post(key)
        await self._turn.keep_part(1, f"{key}:{self._turn.tag}", "final")
        self._posted.pop(key).set_result(None)

    async def leave(self, words: str) -> None: ...

    async def aclose(self) -> None: ...


class BenchAdapter(LocalAdapter):
    """An adapter whose people are `Ours.ask`."""

    name = "bench"

    def __init__(self, posting: Posting) -> None:
        super().__init__()
        self._posting = posting
        self.posted: dict[str, asyncio.Future[None]] = {}

    def reply(self, turn: Turn) -> Reply:
        return BenchReply(self._posting, turn, self.posted)


class Ours:
    """The core with one adapter; `claims` are the times to receive messages, in seconds."""

    def __init__(self, core: Core, adapter: BenchAdapter) -> None:
        self._core = core
        self._adapter = adapter
        self._count = 0
        self.claims: list[float] = []

    @classmethod
    @asynccontextmanager
    async def at(cls, url: str, path: Path, http: aiohttp.ClientSession) -> AsyncIterator["Ours"]:
        settings = Settings(_env_file=None)
        db = await asyncio.to_thread(SQLiteDatabase.open, path)
        async with AssistantsClient(f"{url}/v1", api_key="bench") as client:
            configuration = elsewhere(load_configuration(Path("none.toml")), BUILT_IN, "bench")
            roster = Roster(db, configuration, lambda _: True)
            await roster.sync(client)
            adapter = BenchAdapter(Posting(url, http))
            parts = wire_core(settings, db, client, roster, [adapter], models=None)
            running = asyncio.create_task(parts.dispatcher.run())
            try:
                yield cls(parts.core, adapter)
            finally:
                await parts.dispatcher.leave(30)
                running.cancel()
                await asyncio.wait([running])
                await db.close()

    async def ask(self, number: int) -> None:
        """Send a message in a conversation. Returns once the answer is posted."""
        self._count += 1
        key = f"bench:{number}"
        posted = self._adapter.posted[key] = asyncio.get_running_loop().create_future()
        incoming = Incoming(
            event=f"bench:{os.getpid()}:{time.time_ns()}:{self._count}",
            place=Place(key, "bench", "w", "c", str(number)),
            author=Person("ada"),
            text="How much is two and two?",
            position=f"{self._count:020d}",
            addressed=True,
        )
        began = time.perf_counter()
        await self._core.receive(incoming)
        self.claims.append(time.perf_counter() - began)
        await posted
