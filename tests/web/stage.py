"""A bot whose every step the test decides, behind the real page and its real API."""

import asyncio
import functools
import itertools
import time
import weakref
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace

from adapters.web import WebAdapter
from bot.adapter import (
    ConfigurationError,
    FileRefusedError,
    LeavingError,
    ModelDesk,
    NotClaimedError,
    NotDoneError,
    Receipt,
    Reply,
    Turn,
)
from bot.files import PICTURES, media_type
from bot.incoming import Attached, Command, Incoming, Person, Place, Revision
from bot.segments import File, Image, Segment
from bot.settings import Settings
from bot.views import Answer, AssistantChoice, Exchange, FoundEndpoint, ModelStatus, Moment
from bot.watch import Hub, HubReply
from storage.records import Conversation
from tests.serving import serving as routes_served


class StageDesk:
    """A model desk that accepts the key `sk-right` and nothing else, or any key when `keyless`."""

    def __init__(self) -> None:
        self.found: list[FoundEndpoint] = []
        self.keyless = False
        self._status = ModelStatus(connected=False)
        self._changed = asyncio.Condition()

    def status(self) -> ModelStatus:
        return self._status

    async def set(self, status: ModelStatus) -> None:
        self._status = status
        async with self._changed:
            self._changed.notify_all()

    async def watch(self) -> AsyncIterator[ModelStatus]:
        while True:
            status = self._status
            yield status
            async with self._changed:
                await self._changed.wait_for(functools.partial(self._differs, status))

    def _differs(self, seen: ModelStatus) -> bool:
        return self._status != seen

    async def discover(self) -> list[FoundEndpoint]:
        return self.found

    async def connect(self, base_url: str, api_key: str, model: str) -> ModelStatus:
        if api_key != "sk-right" and not self.keyless:
            raise ConfigurationError("The endpoint refused the key; check that it is complete.")
        await self.set(replace(self._status, connected=True, base_url=base_url, model=model))
        return self._status


class StageBot:
    """`Bot`, with the real hub. `show` and `finish` play a turn; `left`: a watcher went.

    `refusing` fails claims, and `leaving` does as while the program shuts down; `refusing_files` says why it takes no
    file, `undeletable` why it deletes nothing.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.desk: StageDesk | None = StageDesk()
        self.choices: list[AssistantChoice] = []
        self.refusing = False
        self.leaving = False
        self.refusing_files = ""
        self.undeletable = ""
        self.titles: dict[str, str] = {}
        self.received: list[Incoming] = []
        self.commands: list[Command] = []
        self.arrived = asyncio.Condition()
        self.hub = Hub()
        self.left = asyncio.Event()
        self.files: dict[str, File] = {}
        self._exchanges: dict[str, list[Exchange]] = {}
        self._numbers = itertools.count(1)

    @property
    def models(self) -> ModelDesk | None:
        return self.desk

    async def receive(self, incoming: Incoming) -> Receipt:
        if self.leaving:
            raise LeavingError("the program shuts down")
        if self.refusing:
            raise NotClaimedError("the disk is full")
        if any(incoming.event == known.event for known in self.received):
            return Receipt("duplicate")
        self.received.append(incoming)
        key = incoming.place.key
        waiting = Exchange(None, incoming.text, (), "", "waiting", time.time(), (incoming.event,), incoming.files)
        self._exchanges.setdefault(key, []).append(waiting)
        asked = Moment("asked", None, question=incoming.text, event=incoming.event, files=incoming.files)
        self.hub.tell(key, asked)
        async with self.arrived:
            self.arrived.notify_all()
        return Receipt("accepted")

    async def messages(self, count: int) -> list[Incoming]:
        """Everything received, once it is this much."""
        async with self.arrived:
            await self.arrived.wait_for(lambda: len(self.received) >= count)
        return self.received

    def show(self, key: str, *segments: Segment, status: str = "", assistant: str = "Tour (scripted)") -> int:
        """Open a turn over what waits first in a conversation, or grow the one that is open; its number."""
        place = self._current(key)
        now = self._exchanges[key][place]
        if now.turn is None:
            now = replace(now, turn=next(self._numbers), state="answering", assistant=assistant)
            self._exchanges[key][place] = now
        assert now.turn is not None
        self.hub.tell(key, Moment("snapshot", now.turn, segments, status, assistant=assistant))
        return now.turn

    def collect(self, key: str, *sizes: int) -> None:
        """Divide what waits in a conversation into exchanges of so many messages; all in one if no size is given."""
        events = {incoming.event: incoming.text for incoming in self.received}
        exchanges = self._exchanges[key]
        waits = [event for exchange in exchanges if exchange.turn is None for event in exchange.events]
        self._exchanges[key] = [exchange for exchange in exchanges if exchange.turn is not None]
        for size in sizes or (len(waits),):
            group, waits = waits[:size], waits[size:]
            question = "\n\n".join(events[event] for event in group)
            self._exchanges[key].append(Exchange(None, question, (), "", "waiting", time.time(), tuple(group)))

    def finish(self, key: str, *segments: Segment) -> None:
        """End the turn that is open."""
        place = self._current(key)
        ended = self._exchanges[key][place] = replace(self._exchanges[key][place], answer=segments, state="answered")
        self.hub.tell(key, Moment("finished", ended.turn, segments, assistant=ended.assistant))
        self.hub.settled(key)

    def _current(self, key: str) -> int:
        """The place of the first exchange that has not ended, else of the last one."""
        exchanges = self._exchanges[key]
        unended = (place for place, exchange in enumerate(exchanges) if exchange.state in ("waiting", "answering"))
        return next(unended, len(exchanges) - 1)

    async def command(self, command: Command) -> Answer:
        self.commands.append(command)
        if command.text == "new":
            return Answer("A new conversation.", WebAdapter().new_place(command.place))
        return Answer(f"You asked for {command.text}.")

    async def revise(self, _: Revision) -> Receipt:
        return Receipt("ignored", "the page knows no edits")

    async def stop(self, place: Place, _: Person, __: str) -> Answer:
        return Answer(f"Stopping {place.key}.")

    async def regenerate(self, place: Place, _: Person, __: str) -> Answer:
        return Answer(f"Again {place.key}.")

    def unanswered(self, event: str, reason: str) -> None:
        raise AssertionError(f"{event} would not be answered: {reason}")

    def gap(self, platform: str) -> None: ...

    async def known(self, _: str) -> list[Place]:
        return []

    async def of_ours(self, _: Collection[str]) -> set[str]:
        return set()

    async def heard_until(self, _: str) -> str | None:
        return None

    async def caught_up(self, _: str) -> bool:
        return True

    async def assistants(self, _: Place, __: Person) -> list[AssistantChoice]:
        return self.choices

    async def conversations(self, _: Sequence[str], *, limit: int = 50) -> list[Conversation]:
        return [
            Conversation(1, key, "web", "local", "page", None, None, None, 1, self._title(key), 0.0, time.time())
            for key in list(self._exchanges)[:limit]
        ]

    def _title(self, key: str) -> str:
        return self.titles.get(key) or self._exchanges[key][0].question

    async def rename(self, place: Place, title: str) -> None:
        if place.key not in self._exchanges:
            raise NotDoneError("This conversation no longer exists.")
        self.titles[place.key] = title

    async def delete(self, place: Place, _: Person) -> None:
        if self.undeletable:
            raise NotDoneError(self.undeletable)
        self._exchanges.pop(place.key, None)
        self.hub.tell(place.key, Moment("deleted", None))

    async def transcript(self, key: str, *, limit: int = 50) -> list[Exchange]:
        return self._exchanges.get(key, [])[-limit:]

    async def file(self, file_id: str) -> File | None:
        return self.files.get(file_id)

    async def keep_file(self, name: str, data: bytes) -> Attached:
        if self.refusing_files:
            raise FileRefusedError(self.refusing_files)
        kind, kept = media_type(data, name), f"file-{next(self._numbers)}"
        self.files[kept] = (Image if kind in PICTURES else File)(name, kind, data, kept)
        return Attached(name, kind, len(data), kept=kept)

    async def discard_file(self, file_id: str) -> None:
        del self.files[file_id]

    def watch(self, key: str) -> AsyncIterator[Moment]:
        moments = self.hub.watch(key)
        weakref.finalize(moments, self.left.set)
        return moments

    def local_reply(self, turn: Turn) -> Reply:
        return HubReply(self.hub, turn)


def serving(bot: StageBot, *, port: int = 0) -> AbstractAsyncContextManager[str]:
    """The page over this bot on a real socket; gives its address."""
    return routes_served(WebAdapter().routes(bot), end_watching=bot.hub.close, port=port)
