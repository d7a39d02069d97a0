"""The core as adapters know it: takes messages and commands in, tells what there is to see."""

import json
import time
from collections.abc import AsyncIterator, Mapping, Sequence

import structlog

from assistants.connector import AssistantsClient
from bot.adapter import Adapter, ModelDesk, NotClaimedError, Receipt, Reply, Turn
from bot.commands import Commands
from bot.dispatch import Dispatcher
from bot.incoming import Command, Incoming, Person, Place
from bot.roster import Roster
from bot.settings import Settings
from bot.transcript import transcript
from bot.views import Answer, AssistantChoice, Exchange, Moment
from bot.watch import Hub, HubReply
from storage import conversations, turns
from storage.database import Database, StorageError
from storage.records import Conversation
from storage.text import storable

TITLE = 80

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
        self._commands = Commands(db, roster)

    async def receive(self, incoming: Incoming) -> Receipt:
        if reason := await self._not_for_us(incoming):
            log.debug("message ignored", message=incoming.event, reason=reason)
            return Receipt("ignored", reason)
        try:
            conversation = await self._db.write(turns.claim_incoming, _claim(incoming))
        except StorageError as error:
            log.exception("claim failed", message=incoming.event)
            raise NotClaimedError(f"{incoming.event} could not be made durable") from error
        if conversation is None:
            return Receipt("duplicate")
        key = incoming.place.key
        self._hub.tell(key, Moment("asked", None, question=incoming.text, event=incoming.event))
        self._dispatcher.wake(conversation)
        return Receipt("accepted")

    async def command(self, command: Command) -> Answer:
        return await self._commands.run(command, self._adapters[command.place.platform])

    async def assistants(self, place: Place, person: Person) -> list[AssistantChoice]:
        here = await conversations.by_key(self._db, place.key)
        return await self._roster.choices(place, person, here)

    async def conversations(self, platforms: Sequence[str], *, limit: int = 50) -> list[Conversation]:
        return await conversations.latest(self._db, platforms, limit)

    async def transcript(self, key: str, *, limit: int = 50) -> list[Exchange]:
        conversation = await conversations.by_key(self._db, key)
        if conversation is None:
            return []
        return await transcript(self._db, self._client, self._roster, conversation, limit)

    def watch(self, key: str) -> AsyncIterator[Moment]:
        return self._hub.watch(key)

    def local_reply(self, turn: Turn) -> Reply:
        return HubReply(self._hub, turn)

    async def _not_for_us(self, incoming: Incoming) -> str:
        """Why a message is not ours to answer; empty when it is."""
        if incoming.author.is_bot:
            return "written by a bot"
        if incoming.addressed:
            return ""
        if not incoming.text.strip():
            return "no text"
        conversation = await conversations.by_key(self._db, incoming.place.key)
        return "" if conversation and conversation.engaged else "not addressed to us"


def _claim(incoming: Incoming) -> turns.Claim:
    place, text = incoming.place, storable(incoming.text)
    return turns.Claim(
        event=incoming.event,
        key=place.key,
        platform=place.platform,
        workspace=place.workspace,
        channel=place.channel,
        thread=place.thread,
        title=" ".join(text.split())[:TITLE],
        position=incoming.position,
        author=incoming.author.id,
        author_name=storable(incoming.author.name),
        body=text,
        reply_to=json.dumps(incoming.reply_to) if incoming.reply_to else None,
        now=time.time(),
    )
