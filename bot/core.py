"""The core as adapters know it: takes messages and commands in, tells what there is to see."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import asdict

import structlog

from assistants.connector import AssistantsClient, NotFoundError
from bot.adapter import Adapter, ModelDesk, NotClaimedError, Receipt, Reply, Turn
from bot.commands import DONE_ALREADY, Commands
from bot.dispatch import Dispatcher
from bot.files import keep
from bot.incoming import Attached, Command, Incoming, Person, Place, Revision
from bot.keeping import Keeping, one_line
from bot.marks import Marks
from bot.produced import Made, read
from bot.roster import Roster
from bot.segments import File
from bot.settings import Settings
from bot.stops import NEWER_MESSAGE, Stops
from bot.transcript import transcript
from bot.unanswered import Unanswered
from bot.views import Answer, AssistantChoice, Exchange, Moment
from bot.watch import Hub, HubReply
from storage import claims, conversations, turns
from storage.database import Database, StorageError
from storage.records import Conversation
from storage.text import storable

# After a gap we look where somebody talked to us in these days, in so many conversations at most.
KNOWN_FOR = 7 * 86_400.0
MOST_KNOWN = 10_000
# A message of this one word ends the answer that is being written.
STOP = "stop"

log = structlog.get_logger()


class Core:
    """`Bot`: what comes in is claimed here, before its platform is told that it arrived."""

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
        self._dispatcher = dispatcher
        self._adapters = adapters
        self._hub = hub
        self._marks = marks
        self._stops = stops
        self._unanswered = unanswered
        self._commands = Commands(db, roster, stops, dispatcher)
        self._keeping = Keeping(db, client, stops, hub)
        self._leaving = False
        # The newest position that came from each platform, and the platforms from which nothing is missing.
        self._newest: dict[str, str] = {}
        self._whole: set[str] = set()

    async def receive(self, incoming: Incoming) -> Receipt:
        platform = incoming.place.platform
        self._newest[platform] = max(self._newest.get(platform, ""), incoming.position)
        if reason := await self._not_for_us(incoming):
            return self._ignored(incoming.event, reason)
        if await self._means_stop(incoming):
            done = await self.stop(incoming.place, incoming.author, incoming.event)
            return Receipt("duplicate" if done.text == DONE_ALREADY else "accepted")
        # Whoever brought it may leave; what is durable is told to the dispatcher all the same.
        return await asyncio.shield(asyncio.ensure_future(self._take(incoming)))

    async def revise(self, revision: Revision) -> Receipt:
        text = None if revision.text is None else storable(revision.text)
        with self._claiming(revision.event):
            became = "unknown"
            if await claims.is_claimed(self._db, revision.event):
                became = await self._db.write(claims.revise_incoming, revision.event, text)
        if became == "changed":
            return Receipt("accepted")
        reason = "an edit of a message that was never taken" if became == "unknown" else "its answer had begun"
        log.debug("revision ignored", message=revision.event, reason=became)
        return Receipt("ignored", reason)

    async def command(self, command: Command) -> Answer:
        with self._claiming(command.event):
            return await self._commands.run(command, self._adapters[command.place.platform])

    async def stop(self, place: Place, person: Person, event: str) -> Answer:
        with self._claiming(event):
            return await self._commands.stop(place, person, event)

    async def regenerate(self, place: Place, person: Person, event: str) -> Answer:
        with self._claiming(event):
            return await self._commands.regenerate(place, person, event)

    def unanswered(self, event: str, reason: str) -> None:
        self._unanswered.note(event, reason)

    def gap(self, platform: str) -> None:
        self._whole.discard(platform)

    async def known(self, platform: str) -> list[Place]:
        found = await conversations.lately(self._db, platform, time.time() - KNOWN_FOR, MOST_KNOWN)
        return [_place(conversation) for conversation in found]

    async def heard_until(self, platform: str) -> str | None:
        return await conversations.heard_until(self._db, platform)

    async def caught_up(self, platform: str) -> None:
        self._whole.add(platform)
        if newest := self._newest.get(platform):
            await self._db.write(conversations.note_heard, platform, newest)

    def leave(self) -> None:
        """Take nothing more: the program leaves, and what comes now is for the next one."""
        self._leaving = True

    async def assistants(self, place: Place, person: Person) -> list[AssistantChoice]:
        here = await conversations.by_key(self._db, place.key)
        return await self._roster.choices(place, person, here)

    async def conversations(self, platforms: Sequence[str], *, limit: int = 50) -> list[Conversation]:
        return await conversations.latest(self._db, platforms, limit)

    async def rename(self, place: Place, title: str) -> None:
        await self._keeping.rename(place, title)

    async def delete(self, place: Place, person: Person) -> None:
        await self._keeping.delete(place, person)

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

    async def _take(self, incoming: Incoming) -> Receipt:
        bots = self._roster.bots(incoming.place) if incoming.author.is_bot else None
        with self._claiming(incoming.event):
            try:
                heard = self._newest[incoming.place.platform] if incoming.place.platform in self._whole else None
                claimed = await self._db.write(claims.claim_incoming, _claim(incoming, bots, heard))
            except claims.BotsCappedError:
                return self._ignored(incoming.event, f"{bots} messages of bots in a row: a person must speak first")
        if claimed is None:
            return Receipt("duplicate")
        conversation = claimed.conversation
        asked = Moment("asked", None, question=incoming.text, event=incoming.event, files=incoming.files)
        self._hub.tell(conversation.key, asked)
        self._dispatcher.wake(conversation.id, claimed.opened)
        if claimed.behind is not None:
            self._marks.waits(conversation, claimed.message)
            await self._overlap(conversation, claimed.behind)
        return Receipt("accepted", waits=claimed.behind is not None)

    async def _overlap(self, conversation: Conversation, turn: int) -> None:
        """A message came while this turn is under way: where that is the rule, the turn ends."""
        if self._roster.overlap(conversation) != "interrupt":
            return
        try:
            if await self._db.write(turns.ask_to_stop, turn, NEWER_MESSAGE):
                self._stops.tell(turn, NEWER_MESSAGE)
        except StorageError:
            log.exception("answer not interrupted", conversation=conversation.key)

    async def _not_for_us(self, incoming: Incoming) -> str:
        """Why a message is not ours to answer; empty when it is."""
        if incoming.author.is_bot and not self._roster.bots(incoming.place):
            return "written by a bot"
        if incoming.addressed:
            return ""
        if not incoming.text.strip() and not incoming.files:
            return "no text"
        conversation = await conversations.by_key(self._db, incoming.place.key)
        if conversation is None or not conversation.engaged:
            return "not addressed to us"
        # Who looks for what was missed also finds what people said there before they called us.
        if incoming.place.platform not in self._whole:
            begun = await conversations.begun_at(self._db, incoming.place.key)
            return "said before we were called there" if begun and incoming.position < begun else ""
        return ""

    async def _means_stop(self, incoming: Incoming) -> bool:
        """Whether it is the one word that ends an answer, said while one is being written."""
        if incoming.author.is_bot or incoming.text.strip().casefold() != STOP:
            return False
        conversation = await conversations.by_key(self._db, incoming.place.key)
        return conversation is not None and await turns.open_turn(self._db, conversation.id) is not None

    def _ignored(self, event: str, reason: str) -> Receipt:
        log.debug("message ignored", message=event, reason=reason)
        self._unanswered.note(event, reason)
        return Receipt("ignored", reason)

    @contextlib.contextmanager
    def _claiming(self, event: str) -> Iterator[None]:
        """Raises `NotClaimedError` where what comes cannot be made durable, or is for the next process."""
        if self._leaving:
            raise NotClaimedError(f"{event} came while the program leaves")
        try:
            yield
        except StorageError as error:
            log.exception("claim failed", message=event)
            raise NotClaimedError(f"{event} could not be made durable") from error


def _place(conversation: Conversation) -> Place:
    return Place(
        conversation.key, conversation.platform, conversation.workspace, conversation.channel, conversation.thread
    )


def _claim(incoming: Incoming, bots: int | None, heard: str | None) -> claims.Claim:
    place, text = incoming.place, storable(incoming.text)
    return claims.Claim(
        event=incoming.event,
        key=place.key,
        platform=place.platform,
        workspace=place.workspace,
        channel=place.channel,
        thread=place.thread,
        title=one_line(text.strip() or ", ".join(file.name for file in incoming.files)),
        position=incoming.position,
        author=incoming.author.id,
        author_name=storable(incoming.author.name),
        body=text,
        reply_to=json.dumps(incoming.reply_to) if incoming.reply_to else None,
        now=time.time(),
        attachments=json.dumps([asdict(file) for file in incoming.files]) if incoming.files else None,
        bots=bots,
        heard=heard,
    )
