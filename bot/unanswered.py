"""Records why messages were not answered, in the background."""

import asyncio
import time

import structlog

from storage import unanswered
from storage.database import Database, StorageError

# Events of this many seconds are written together.
GATHER_SECONDS = 1.0
# Rows per write, and events kept in memory while the database cannot be written; beyond that the oldest are dropped.
AT_ONCE, MOST_EVENTS = 60, unanswered.KEPT

log = structlog.get_logger()


class Unanswered:
    """Gathers events with the reason why they are not answered, and writes them to the database in batches."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._reasons: dict[str, str] = {}
        self._told = asyncio.Event()

    def note(self, event: str, reason: str) -> None:
        """Note an event; returns at once."""
        self._reasons[event] = reason
        if len(self._reasons) > MOST_EVENTS:
            del self._reasons[next(iter(self._reasons))]
        self._told.set()

    async def run(self) -> None:
        """Write noted events until cancelled, then write what is left."""
        try:
            while True:
                await self._told.wait()
                await asyncio.sleep(GATHER_SECONDS)
                await self._write()
        finally:
            await self._write()

    async def _write(self) -> None:
        self._told.clear()
        while self._reasons:
            some = dict(list(self._reasons.items())[:AT_ONCE])
            try:
                await self._db.write(unanswered.record, some, time.time())
            except StorageError as error:
                log.warning("reasons for unanswered messages not saved", events=len(self._reasons), error=str(error))
                return
            for event, reason in some.items():
                if self._reasons.get(event) == reason:
                    del self._reasons[event]
