"""What was not answered, and why: remembered without anybody waiting for it."""

import asyncio
import time

import structlog

from storage import unanswered
from storage.database import Database, StorageError

# What comes within this time is written at once.
GATHER = 1.0
# A write touches few rows; what is more waits for the next one, and the oldest is let go.
AT_ONCE, MOST = 60, unanswered.KEPT

log = structlog.get_logger()


class Unanswered:
    """Gathers events with the reason why nobody answers them, and writes them down now and then."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._reasons: dict[str, str] = {}
        self._told = asyncio.Event()

    def note(self, event: str, reason: str) -> None:
        """Remember it; returns at once."""
        self._reasons[event] = reason
        if len(self._reasons) > MOST:
            del self._reasons[next(iter(self._reasons))]
        self._told.set()

    async def run(self) -> None:
        """Write down what is noted, until cancelled; then what is left."""
        try:
            while True:
                await self._told.wait()
                await asyncio.sleep(GATHER)
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
                log.warning("not written down what was not answered", events=len(self._reasons), error=str(error))
                return
            for event, reason in some.items():
                if self._reasons.get(event) == reason:
                    del self._reasons[event]
