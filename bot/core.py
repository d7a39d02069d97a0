"""The core as adapters see it: receives messages and commands, and gives access to conversations."""

import contextlib
import time
from collections.abc import AsyncIterator, Collection, Mapping, Sequence

import structlog

from assistants.connector import AssistantsClient, NotFoundError
from bot.adapter import Adapter, ModelDesk, Receipt, Reply, Turn
from bot.commands import Commands
from bot.conversations import Conversations
from bot.dispatch import Dispatcher
from bot.files import keep
from bot.incoming import Attached, Command, Incoming, Person, Place, Revision
from bot.intake import Intake
from bot.marks import Marks
from bot.output_files import Made, read
from bot.roster import Roster
from bot.segments import File
from bot.settings import Settings
from bot.stops import Stops
from bot.transcript import transcript
from bot.unanswered import Unanswered
from bot.views import Answer, AssistantChoice, Exchange, Moment
from bot.watch import Hub, HubReply
from storage import claims, conversations
from storage.database import Database
from storage.records import Conversation
from storage.text import storable

# After a gap, conversations used within this many seconds are searched for missed messages, at most this many of them.
KNOWN_FOR = 7 * 86_400.0
MOST_KNOWN = 10_000

log = structlog.get_logger()


class Core:
    """Implements `Bot` by delegating to the part that does the work."""

    def __init__(
        self,
        *,
        settings: Settings,
        db: Database,
        client: AssistantsClient,
        roster: Roster,
        dispatcher: Dispatcher,
        adapters: Mapping[str, Adapter],
        hub: Hub,
        marks: Marks,
        stops: Stops,
        unanswered: Unanswered,
        models: ModelDesk | None,
    ) -> None:
        self.settings = settings
        self.models = models
        self._db = db
        self._client = client
        self._roster = roster
        self._adapters = adapters
        self._hub = hub
        self._unanswered = unanswered
        self._commands = Commands(db, roster, stops, dispatcher)
        self._intake = Intake(
            db,
            roster,
            dispatcher,
            commands=self._commands,
            hub=hub,
            marks=marks,
            stops=stops,
            unanswered=unanswered,
        )
        self._conversations = Conversations(db, client, stops, hub)

    async def receive(self, incoming: Incoming) -> Receipt:
        return await self._intake.receive(incoming)

    async def revise(self, revision: Revision) -> Receipt:
        return await self._intake.revise(revision)

    async def command(self, command: Command) -> Answer:
        with self._intake.claiming(command.event):
            return await self._commands.run(command, self._adapters[command.place.platform])

    async def stop(self, place: Place, person: Person, event: str) -> Answer:
        with self._intake.claiming(event):
            return await self._commands.stop(place, person, event)

    async def regenerate(self, place: Place, person: Person, event: str) -> Answer:
        with self._intake.claiming(event):
            return await self._commands.regenerate(place, person, event)

    def unanswered(self, event: str, reason: str) -> None:
        self._unanswered.note(event, reason)

    def gap(self, platform: str) -> None:
        self._intake.watermarks.gap(platform)

    async def known(self, platform: str) -> list[Place]:
        found = await conversations.lately(self._db, platform, time.time() - KNOWN_FOR, MOST_KNOWN)
        return [_place(conversation) for conversation in found]

    async def of_ours(self, messages: Collection[str]) -> set[str]:
        return await claims.of_ours(self._db, messages)

    async def heard_until(self, platform: str) -> str | None:
        self._intake.watermarks.look_begins(platform)
        return await conversations.heard_until(self._db, platform)

    async def caught_up(self, platform: str) -> bool:
        whole = self._intake.watermarks.look_ends(platform)
        if until := self._intake.watermarks.until(platform):
            await self._db.write(conversations.note_heard, platform, until)
        return whole

    def leave(self) -> None:
        """Stop accepting messages: the program shuts down, and the platform delivers them to the next process."""
        self._intake.leaves = True

    async def assistants(self, place: Place, person: Person) -> list[AssistantChoice]:
        here = await conversations.by_key(self._db, place.key)
        return await self._roster.choices(place, person, here)

    async def conversations(self, platforms: Sequence[str], *, limit: int = 50) -> list[Conversation]:
        return await conversations.latest(self._db, platforms, limit)

    async def rename(self, place: Place, title: str) -> None:
        await self._conversations.rename(place, title)

    async def delete(self, place: Place, person: Person) -> None:
        await self._conversations.delete(place, person)

    async def transcript(self, key: str, *, limit: int = 50) -> list[Exchange]:
        conversation = await conversations.by_key(self._db, key)
        if conversation is None:
            return []
        return await transcript(self._db, self._client, self._roster, conversation, limit)

    async def file(self, file_id: str) -> File | None:
        return await read(self._client, Made(file_id))

    async def keep_file(self, name: str, data: bytes) -> Attached:
        return await keep(self._client, storable(name), data)

    async def discard_file(self, file_id: str) -> None:
        with contextlib.suppress(NotFoundError):
            await self._client.files.delete(file_id)

    def watch(self, key: str) -> AsyncIterator[Moment]:
        return self._hub.watch(key)

    def local_reply(self, turn: Turn) -> Reply:
        return HubReply(self._hub, turn)


def _place(conversation: Conversation) -> Place:
    return Place(
        conversation.key, conversation.platform, conversation.workspace, conversation.channel, conversation.thread
    )
