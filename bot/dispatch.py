"""Runs one task per conversation that has turns to work on."""

import asyncio
from dataclasses import replace
from typing import Protocol

import structlog

from storage.database import Database, StorageError
from storage.turns import Opened, SupersededError

WORK = "work"
PAUSE = 5.0

log = structlog.get_logger()


class Worker(Protocol):
    """Works on turns."""

    async def open(self, conversation: int) -> Opened | None:
        """Open the next turn of a conversation; None when nothing waits there."""
        ...

    async def work(self, opened: Opened) -> Opened | None:
        """Work on a turn until it ends; returns the next turn if messages wait."""
        ...


class Dispatcher:
    """Starts a task ("drainer") for every conversation with work.

    The database is the queue; a notification is only a hint to look there.
    """

    def __init__(self, db: Database, worker: Worker) -> None:
        self._db = db
        self._worker = worker
        self._drainers: dict[int, asyncio.Task[None]] = {}
        # Turns that were opened together with their message in this process and have not begun.
        self._handed: dict[int, Opened] = {}
        self._told_meanwhile: set[int] = set()
        self._leaving = False

    async def run(self) -> None:
        """Work on the turns left open, then on new ones, until cancelled. Cancelling leaves every turn as it is."""
        try:
            async with self._db.listen(WORK) as told:
                await self._look(None)
                async for conversations in told:
                    await self._look(None if "" in conversations else {int(each) for each in conversations})
        finally:
            await self._cancel()

    async def leave(self, grace: float) -> None:
        """Begin no more turns; those in progress have `grace` seconds to end and are then left as they are."""
        self._leaving = True
        if self._drainers:
            await asyncio.wait(self._drainers.values(), timeout=grace)
        await self._cancel()

    def wake(self, conversation: int, opened: Opened | None = None) -> None:
        """Announce work for a conversation, with its turn if that is already open."""
        if opened is not None:
            self._handed[conversation] = opened
        self._db.notify(WORK, str(conversation))

    async def _look(self, conversations: set[int] | None) -> None:
        """Start drainers where there is work; one query serves many conversations.

        Nothing else looks again, so a failed query is repeated after a pause.
        """
        if self._leaving:
            return
        busy = self._drainers.keys()
        self._told_meanwhile |= busy if conversations is None else conversations & busy
        if conversations is not None and not (conversations := conversations - busy):
            return
        try:
            claimed = await self._db.claim(conversations)
        except StorageError:
            log.exception("looking for work failed", conversations=conversations, again_in=PAUSE)
            for payload in [""] if conversations is None else map(str, conversations):
                asyncio.get_running_loop().call_later(PAUSE, self._db.notify, WORK, payload)
            return
        for owned in claimed:
            self._drainers[owned] = asyncio.create_task(self._drain(owned), name=f"conversation-{owned}")

    async def _drain(self, conversation: int) -> None:
        """Work on turns until none is left. Whatever a turn raises, the conversation is looked at again."""
        again = False
        try:
            opened = self._handed.pop(conversation, None) or await self._open(conversation)
            while opened is not None and not self._leaving:
                opened = await self._worker.work(opened)
        except Exception as error:
            if isinstance(error, SupersededError):
                log.warning("turn taken over by another process", conversation=conversation)
            else:
                log.exception("conversation stopped", conversation=conversation, again_in=PAUSE)
            await asyncio.sleep(PAUSE)
            again = True
        finally:
            # A look in between finds the conversation still owned, and is repeated below.
            try:
                await self._db.release(conversation)
            finally:
                del self._drainers[conversation]
        if again or conversation in self._told_meanwhile:
            # A message arrived while the conversation was owned, so nobody began its turn.
            self._told_meanwhile.discard(conversation)
            await self._look({conversation})

    async def _open(self, conversation: int) -> Opened | None:
        """The turn to work on. A turn handed over in the meantime has not begun, so it is not suspect."""
        opened = await self._worker.open(conversation)
        handed = self._handed.pop(conversation, None)
        if opened is not None and handed is not None and handed.turn.id == opened.turn.id:
            return replace(opened, suspect=False)
        return opened

    async def _cancel(self) -> None:
        drainers = list(self._drainers.values())
        for task in drainers:
            task.cancel()
        await asyncio.gather(*drainers, return_exceptions=True)
