"""Who drains a conversation: one task a conversation while there is work, none when there is none."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from storage.database import Database, StorageError

WORK = "work"
PAUSE = 5.0

log = structlog.get_logger()


class Dispatcher:
    """Starts a drainer where a message waits. The tables are the queue; a notification is only a hint to look."""

    def __init__(self, db: Database, take: Callable[[int], Awaitable[bool]]) -> None:
        self._db = db
        self._take = take
        self._drainers: dict[int, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Take up what was left open, then what is told, until cancelled; leaves every turn as it stands."""
        try:
            async with self._db.listen(WORK) as told:
                await self._look(None)
                async for conversation in told:
                    await self._look(int(conversation) if conversation else None)
        finally:
            drainers = list(self._drainers.values())
            for task in drainers:
                task.cancel()
            await asyncio.gather(*drainers, return_exceptions=True)

    def wake(self, conversation: int) -> None:
        """Say that work came for a conversation."""
        self._db.notify(WORK, str(conversation))

    async def _look(self, conversation: int | None) -> None:
        """Start a drainer where there is work. Nothing else will look again, so a look that fails is made once more."""
        try:
            claimed = await self._db.claim(conversation)
        except StorageError:
            log.exception("looking for work failed", conversation=conversation, again_in=PAUSE)
            asyncio.get_running_loop().call_later(
                PAUSE, self._db.notify, WORK, "" if conversation is None else str(conversation)
            )
            return
        for owned in claimed:
            self._drainers[owned] = asyncio.create_task(self._drain(owned), name=f"conversation-{owned}")

    async def _drain(self, conversation: int) -> None:
        """Take turns until none is left. Whatever a turn raises, the conversation is looked at again."""
        try:
            while await self._take(conversation):
                pass
        except Exception:
            log.exception("conversation stopped", conversation=conversation, again_in=PAUSE)
            await asyncio.sleep(PAUSE)
        finally:
            del self._drainers[conversation]
            await self._db.release(conversation)
        # A message that came while this one was owned told nobody: look once more.
        await self._look(conversation)
