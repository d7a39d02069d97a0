"""Periodic maintenance: saves learned token rates, deletes expired objects and old idempotency records."""

import asyncio
import logging
import time
from contextlib import suppress

from assistants.service import files, vector_stores
from assistants.service.models import Models
from assistants.service.rows import now
from storage import blobs, objects, requests, token_rates
from storage.database import Database

logger = logging.getLogger(__name__)

PAUSE = 60.0
REMEMBERED = 86_400


class Housekeeping:
    """One round at start-up, which also cleans up after a killed process, then one every minute."""

    def __init__(self, db: Database, models: Models) -> None:
        self._db = db
        self._models = models
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._models.remember(await token_rates.every(self._db))
        for id_ in await blobs.orphans(self._db):
            await files.forget_bytes(self._db, id_)
        self._task = asyncio.create_task(self._run(), name="housekeeping")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        await self._keep()

    async def _run(self) -> None:
        while True:
            try:
                await self._keep()
                await round_once(self._db)
            except Exception:
                logger.exception("Housekeeping failed and will be retried")
            await asyncio.sleep(PAUSE)

    async def _keep(self) -> None:
        for model, rate in self._models.learnt().items():
            await self._db.write(token_rates.keep, model, rate, time.time())


async def round_once(db: Database) -> None:
    for row in await objects.expired(db, "files", now()):
        await files.delete(db, row)
    for row in await objects.expired(db, "uploads", now()):
        # Marked last: what a crash leaves is found again.
        await forget_parts(db, row["id"])
        await db.write(objects.save, "uploads", {"id": row["id"], "status": "expired"})
    for row in await objects.expired(db, "vector_stores", now()):
        await vector_stores.empty(db, row["id"])
        await db.write(objects.save, "vector_stores", {"id": row["id"], "status": "expired"})
    while await db.write(requests.forget, now() - REMEMBERED, vector_stores.ROWS):
        pass


async def forget_parts(db: Database, upload_id: str) -> None:
    """Delete the parts of an upload that will not become a file."""
    for part in await objects.parts_of(db, upload_id):
        await db.write(objects.remove, "upload_parts", part["id"])
        await files.forget_bytes(db, part["id"])
