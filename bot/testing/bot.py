"""A bot that records what an adapter passes to it and answers nothing."""

# ruff: noqa: ARG002 - it ignores most arguments
import asyncio
import time
from collections.abc import AsyncIterator, Callable, Collection, Sequence

from bot.adapter import ModelDesk, NotClaimedError, Receipt, Reply, Turn
from bot.incoming import Attached, Command, Incoming, Person, Place, Revision
from bot.segments import File
from bot.settings import Settings
from bot.views import Answer, AssistantChoice, Exchange, Moment
from bot.watch import Hub, HubReply
from storage.records import Conversation


class TakingBot:
    """A `Bot` that records what is passed to it. While `claims` is false, it refuses to store anything.

    `received` lists every message accepted, redeliveries included; `refused` those refused. `places` is what `known`
    returns; `is_whole` is whether the adapter says that no message is missing; `heard` is the newest position that
    arrived earlier.
    """

    def __init__(self) -> None:
        self.settings = Settings(_env_file=None)
        self.models: ModelDesk | None = None
        self.claims = True
        self.received: list[Incoming] = []
        self.refused: list[Incoming] = []
        self.commands: list[Command] = []
        self.revisions: list[Revision] = []
        self.stopped: list[Place] = []
        self.regenerated: list[Place] = []
        self.ignored: dict[str, str] = {}
        self.places: list[Place] = []
        self.is_whole = False
        self.heard: str | None = None
        self._changed = asyncio.Condition()
        self._hub = Hub()

    async def until(self, holds: Callable[[], bool], *, seconds: float = 60) -> None:
        """Wait until `holds` is true; on a timeout, fail with the messages received instead."""
        try:
            async with asyncio.timeout(seconds), self._changed:
                await self._changed.wait_for(holds)
        except TimeoutError:
            known = [incoming.text for incoming in self.received]
            raise AssertionError(f"It did not arrive within {seconds:g} s. Received: {known}.") from None

    async def takes(self, text: str) -> Incoming:
        """Wait for a message with this text."""
        await self.until(lambda: any(incoming.text == text for incoming in self.received))
        return next(incoming for incoming in self.received if incoming.text == text)

    async def receive(self, incoming: Incoming) -> Receipt:
        known = any(incoming.event == earlier.event for earlier in self.received)
        (self.received if self.claims else self.refused).append(incoming)
        await self._tell()
        if not self.claims:
            self.is_whole = False
            raise NotClaimedError("the disk is full")
        if incoming.author.is_bot:
            return Receipt("ignored", "written by a bot")
        return Receipt("duplicate" if known else "accepted")

    async def command(self, command: Command) -> Answer:
        self.commands.append(command)
        return Answer(f"You asked for {command.text}.")

    async def revise(self, revision: Revision) -> Receipt:
        self.revisions.append(revision)
        await self._tell()
        known = any(revision.event == incoming.event for incoming in self.received if incoming.addressed)
        return Receipt("accepted") if known else Receipt("ignored", "an edit of a message that never arrived")

    async def stop(self, place: Place, person: Person, event: str) -> Answer:
        self.stopped.append(place)
        await self._tell()
        return Answer("Stopped.")

    async def regenerate(self, place: Place, person: Person, event: str) -> Answer:
        self.regenerated.append(place)
        await self._tell()
        return Answer("I answer again.")

    def unanswered(self, event: str, reason: str) -> None:
        self.ignored[event] = reason

    def gap(self, platform: str) -> None:
        self.is_whole = False

    async def known(self, platform: str) -> list[Place]:
        return [place for place in self.places if place.platform == platform]

    async def of_ours(self, messages: Collection[str]) -> set[str]:
        return {one.event for one in self.received} & set(messages)

    async def heard_until(self, platform: str) -> str | None:
        return max((incoming.position for incoming in self.received), default=self.heard)

    async def caught_up(self, platform: str) -> bool:
        self.is_whole = True
        await self._tell()
        return True

    async def assistants(self, place: Place, person: Person) -> list[AssistantChoice]:
        return []

    async def conversations(self, platforms: Sequence[str], *, limit: int = 50) -> list[Conversation]:
        return []

    async def rename(self, place: Place, title: str) -> None: ...

    async def delete(self, place: Place, person: Person) -> None: ...

    async def transcript(self, key: str, *, limit: int = 50) -> list[Exchange]:
        said = {incoming.event: incoming for incoming in self.received if incoming.place.key == key}
        return [Exchange(None, one.text, (), "", "waiting", time.time(), (one.event,)) for one in said.values()][
            -limit:
        ]

    async def file(self, file_id: str) -> File | None:
        return None

    async def keep_file(self, name: str, data: bytes) -> Attached:
        return Attached(name, "application/octet-stream", len(data), kept=f"file-{len(data)}")

    async def discard_file(self, file_id: str) -> None: ...

    def watch(self, key: str) -> AsyncIterator[Moment]:
        return self._hub.watch(key)

    def local_reply(self, turn: Turn) -> Reply:
        return HubReply(self._hub, turn)

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    def end_watching(self) -> None:
        """End all watchers, so that a test's server can close."""
        self._hub.close()
