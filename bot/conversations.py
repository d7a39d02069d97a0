"""Renames conversations, and deletes them with all their messages and files."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Awaitable, Iterator

import structlog

from assistants.connector import AssistantsClient, NotFoundError
from assistants.contract import ImageFileContent, Message
from bot.adapter import NotDoneError
from bot.incoming import Person, Place
from bot.output_files import made_in
from bot.stops import Stops
from bot.views import Moment
from bot.watch import Hub
from storage import conversations, deleted, turns
from storage.database import Database, StorageError
from storage.records import Conversation
from storage.text import storable

TITLE = 80
# How long an answer in progress may take to stop.
STOP_SECONDS = 20.0
NAMELESS = "A conversation needs a name: enter one."
NOT_THERE = "This conversation no longer exists."
NOT_STOPPED = "The answer in progress does not stop, so nothing was deleted. Try again in a moment."
NOT_WRITTEN = "The change could not be saved, so nothing was changed. Try again in a moment."

log = structlog.get_logger()


class Conversations:
    """Renames and deletes conversations. Nothing of a deleted conversation is kept, and late messages are dropped."""

    def __init__(self, db: Database, client: AssistantsClient, stops: Stops, hub: Hub) -> None:
        self._db = db
        self._client = client
        self._stops = stops
        self._hub = hub

    async def rename(self, place: Place, title: str) -> None:
        words = one_line(storable(title))
        if not words:
            raise NotDoneError(NAMELESS)
        with _writing():
            if not await self._db.write(conversations.rename, place.key, words):
                raise NotDoneError(NOT_THERE)

    async def delete(self, place: Place, person: Person) -> None:
        until = time.monotonic() + STOP_SECONDS
        with _writing():
            # A new turn may begin there until the conversation is deleted in the database.
            while conversation := await conversations.by_key(self._db, place.key):
                await self._stop(conversation, person, until)
                await self._clear(conversation)
                if await self._db.write(deleted.delete, conversation.id, conversation.thread_id):
                    log.info("conversation deleted", conversation=place.key, thread=conversation.thread_id)
                    self._hub.tell(place.key, Moment("deleted", None))
                    return

    async def _stop(self, conversation: Conversation, person: Person, until: float) -> None:
        """Stop the turn in progress there and every turn that follows it, until none is open."""
        asked: int | None = None
        while True:
            # Taken before the look, so that no end is missed.
            ended = self._stops.next_end
            turn = await turns.open_turn(self._db, conversation.id)
            if turn is None:
                return
            if turn != asked and await self._db.write(turns.ask_to_stop, turn, person.id):
                self._stops.tell(turn, person.id)
            asked = turn
            try:
                async with asyncio.timeout(until - time.monotonic()):
                    await ended.wait()
            except TimeoutError:
                raise NotDoneError(NOT_STOPPED) from None

    async def _clear(self, conversation: Conversation) -> None:
        """Delete all its files, then its thread, which lists them. Raises `AssistantsError`."""
        files, thread = self._client.files, conversation.thread_id
        for listed in await deleted.attachments(self._db, conversation.id):
            for file in json.loads(listed):
                await _gone(files.delete(file["kept"])) if file.get("kept") else None
        if thread is None:
            return
        with contextlib.suppress(NotFoundError):
            async for file_id in self._sent_and_made(thread):
                await _gone(files.delete(file_id))
            resources = (await self._client.threads.retrieve(thread)).tool_resources
            stores = resources.file_search.vector_store_ids if resources and resources.file_search else []
            for store in stores:
                await _gone(self._client.vector_stores.delete(store))
            await self._client.threads.delete(thread)

    async def _sent_and_made(self, thread: str) -> AsyncIterator[str]:
        async for message in self._client.threads.messages.list(thread, limit=100):
            for file_id in _files_of(message):
                yield file_id


def one_line(text: str) -> str:
    """The text as a title: one line, shortened."""
    return " ".join(text.split())[:TITLE]


def _files_of(message: Message) -> set[str]:
    """The files sent with a message or created by its run; files that it only cites belong to others."""
    sent = {attachment.file_id for attachment in message.attachments or () if attachment.file_id}
    pictures = {part.image_file.file_id for part in message.content if isinstance(part, ImageFileContent)}
    return sent | pictures | {made.file_id for made in made_in([message])}


async def _gone(deleting: Awaitable[object]) -> None:
    with contextlib.suppress(NotFoundError):
        await deleting


@contextlib.contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except StorageError as error:
        log.exception("conversation not changed")
        raise NotDoneError(NOT_WRITTEN) from error
