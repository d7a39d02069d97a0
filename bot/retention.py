"""Forgets, round by round, what turns that have ended need no more: what was said in their calls, then the calls."""

import asyncio
import time

import structlog

from storage import calls
from storage.database import Database, StorageError

PAUSE = 60.0
# What a call was and what was decided of it is known so long; what was said in it as long as its turn.
CALLS = 30 * 86_400
# A write touches few rows.
AT_ONCE = 50

log = structlog.get_logger()


class Forgetting:
    """A round at the start and one every minute."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def run(self) -> None:
        """Go round until cancelled."""
        while True:
            try:
                await self.round()
            except StorageError as error:
                log.warning("nothing was forgotten; it is tried again", error=str(error))
            await asyncio.sleep(PAUSE)

    async def round(self) -> None:
        while turns := await calls.to_blank(self._db, AT_ONCE):
            await self._db.write(calls.blank, turns)
        while await self._db.write(calls.forget, time.time() - CALLS, AT_ONCE):
            pass
