"""The core, its store and the service in the process of a test, with a way between them that can be held up."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from adapters.web import WebAdapter
from assistants.connector import AssistantsClient
from assistants.service.app import create_service
from assistants.service.asgi_transport import LocalTransport
from assistants.service.chat import ChatCompletions
from assistants.service.endpoints import Endpoint
from assistants.service.models import Models
from assistants.service.scripted import ScriptedModel
from bot import settling, turns
from bot.adapter import Adapter, PlatformError, Receipt, Reply, Turn
from bot.app import wire_core
from bot.configuration import load_configuration
from bot.core import Core
from bot.incoming import Incoming, Person, Place
from bot.roster import Roster
from bot.segments import Segment
from bot.settings import Settings
from bot.watch import Hub, HubReply
from storage.database import Row
from storage.sqlite import SQLiteDatabase

PLACE = Place("web:here", "web", "local", "page", "here")
ADA = Person("ada")
PLAIN = """
default = ["plain"]
[assistants.plain]
title = "Plain"
"""


class Way(httpx.AsyncBaseTransport):
    """The way to the service. It can be asked to lose the answer to the next request that creates a run, or to bring
    that request only later; whoever asked hears nothing, and `silent` is set."""

    def __init__(self, to: httpx.AsyncBaseTransport) -> None:
        self.silent = asyncio.Event()
        self._to = to
        self._next = ""
        self._late: list[httpx.Request] = []

    def lose_the_answer(self) -> None:
        self._next = "lose"

    def bring_it_later(self) -> None:
        self._next = "later"

    async def bring(self) -> None:
        """What was to come later comes now."""
        for request in self._late:
            response = await self._to.handle_async_request(request)
            await response.aread()
            await response.aclose()
        self._late.clear()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if not self._next or request.method != "POST" or not request.url.path.endswith("/runs"):
            return await self._to.handle_async_request(request)
        self._late.append(request)
        if self._next == "lose":
            await self.bring()
        self._next = ""
        self.silent.set()
        await asyncio.Event().wait()
        raise AssertionError("nobody answers")

    async def aclose(self) -> None:
        await self._to.aclose()


def hasten(patch: pytest.MonkeyPatch, seconds: float) -> None:
    """Make the waits before a look for late effects, and before another attempt, this short."""
    patch.setattr(settling, "COMMIT", seconds)
    patch.setattr(turns, "BACK_OFF", seconds)


@dataclass
class House:
    """What a test does there as the one person, and what it sees."""

    db: SQLiteDatabase
    client: AssistantsClient
    core: Core
    way: Way
    model: ScriptedModel
    said: list[str] = field(default_factory=list)

    async def say(self, text: str, place: Place = PLACE) -> Receipt:
        self.said.append(text)
        number = len(self.said)
        return await self.core.receive(Incoming(f"web:{number}", place, ADA, text, f"{number:04}", addressed=True))

    async def fill_the_disk(self) -> None:
        """Whatever needs room finds none, until there is some again."""
        await self.db.write(lambda tx: tx.query("pragma max_page_count = 1"))

    async def make_room(self) -> None:
        await self.db.write(lambda tx: tx.query("pragma max_page_count = 1000000"))

    async def turns(self, until: Callable[[list[Row]], bool]) -> list[Row]:
        """The turns there are, oldest first, once this holds of them."""
        async with asyncio.timeout(60):
            while not until(found := await self.db.read("select * from turns order by id")):  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.005)
            return found

    async def thread(self, role: str) -> list[str]:
        """What the thread has of people (`user`), or of the assistant."""
        rows = await self.db.read("select thread_id from conversations where key = :key", key=PLACE.key)
        listed = self.client.threads.messages.list(rows[0]["thread_id"], order="asc", limit=100)
        return [message.text async for message in listed if message.role == role]


class Refusing(WebAdapter):
    """A platform that refuses what it is given in the end with these errors, one after the other, and then takes it.

    `meanwhile` is what happens whenever something is given to it; `taken` holds the answers that people have.
    """

    def __init__(self, *refusals: PlatformError) -> None:
        super().__init__()
        self.refusals = list(refusals)
        self.meanwhile: Callable[[], Awaitable[object]] | None = None
        self.taken: list[Sequence[Segment]] = []
        self.hub = Hub()

    def reply(self, turn: Turn) -> Reply:
        return _RefusingReply(self, turn)


class _RefusingReply(HubReply):
    def __init__(self, adapter: Refusing, turn: Turn) -> None:
        super().__init__(adapter.hub, turn)
        self._adapter = adapter

    async def finish(self, segments: Sequence[Segment]) -> None:
        if self._adapter.meanwhile is not None:
            await self._adapter.meanwhile()
        if self._adapter.refusals:
            raise self._adapter.refusals.pop(0)
        self._adapter.taken.append(segments)


@asynccontextmanager
async def house(folder: Path, *, configured: str = PLAIN, adapter: Adapter | None = None) -> AsyncIterator[House]:
    """Everything but the port, at work."""
    (folder / "threadline.toml").write_text(configured)
    configuration = load_configuration(folder / "threadline.toml", needed=True)
    db, model, models = SQLiteDatabase.open(folder / "threadline.db"), ScriptedModel(), Models()
    endpoint = Endpoint("http://model.test/v1", "", "scripted")
    models.connect(ChatCompletions(endpoint, transport=LocalTransport(model.app), back_off=0))
    service = create_service(db, models)
    await service.start()
    way = Way(LocalTransport(service.app))
    async with AssistantsClient("http://service.test/v1", transport=way, honours_idempotency_keys=True) as client:
        roster = Roster(db, configuration, lambda _: True)
        await roster.sync(client)
        web = adapter or WebAdapter()
        parts = wire_core(Settings(_env_file=None), db, client, roster, [web], models=None)
        web.routes(parts.core)
        works = [parts.dispatcher.run, parts.stops.heed, parts.unanswered.run]
        tasks = [asyncio.create_task(work()) for work in works]
        try:
            yield House(db, client, parts.core, way, model)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            await service.stop()
            await db.close()
