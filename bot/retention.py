"""Deletes old records of function calls: their contents once the turn has ended, the rows after thirty days."""

import asyncio
import time

import structlog

from storage import calls
from storage.database import Database, StorageError

PAUSE = 60.0
# How long the name and verdict of a call are kept. Its arguments and output are kept only until its turn ends.
CALL_SECONDS = 30 * 86_400
# Rows per write.
AT_ONCE = 50

log = structlog.get_logger()


class Forgetting:
    """Runs one round at the start and one every minute."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def run(self) -> None:
        """Run until cancelled."""
        while True:
            try:
                await self.round()
            except StorageError as error:
                log.warning("old calls not deleted; trying again", error=str(error), again_in=PAUSE)
            await asyncio.sleep(PAUSE)

    async def round(self) -> None:
        while turns := await calls.to_blank(self._db, AT_ONCE):
            await self._db.write(calls.blank, turns)
        while await self._db.write(calls.forget, time.time() - CALL_SECONDS, AT_ONCE):
            pass
