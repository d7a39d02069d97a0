"""Takes away what has come to its time: files, uploads and vector stores that expired, requests long answered."""

import asyncio
import logging
from contextlib import suppress

from assistants.service import files
from assistants.service.rows import now
from storage import blobs, chunks, objects, requests
from storage.database import Database

logger = logging.getLogger(__name__)

PAUSE = 60.0
REMEMBERED = 86_400


class Housekeeping:
    """A round at the start, which also takes away what a killed process left, and one every minute."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        for id_ in await blobs.orphans(self._db):
            await files.forget_bytes(self._db, id_)
        self._task = asyncio.create_task(self._run(), name="housekeeping")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            try:
                await round_once(self._db)
            except Exception:
                logger.exception("Housekeeping failed; it is tried again")
            await asyncio.sleep(PAUSE)


async def round_once(db: Database) -> None:
    for row in await objects.expired(db, "files", now()):
        await files.delete(db, row)
    for row in await objects.expired(db, "uploads", now()):
        await db.write(objects.save, "uploads", {"id": row["id"], "status": "expired"})
        await forget_parts(db, row["id"])
    for row in await objects.expired(db, "vector_stores", now()):
        await db.write(objects.save, "vector_stores", {"id": row["id"], "status": "expired"})
        await empty_store(db, row["id"])
    while await db.write(requests.forget, now() - REMEMBERED, files.ROWS):
        pass


async def forget_parts(db: Database, upload_id: str) -> None:
    """Delete what came of an upload that will never be a file."""
    for part in await objects.parts_of(db, upload_id):
        await db.write(objects.remove, "upload_parts", part["id"])
        await files.forget_bytes(db, part["id"])


async def empty_store(db: Database, store_id: str) -> None:
    """Delete what a vector store holds, bit by bit."""
    while await db.write(chunks.remove_entries, files.ROWS, store_id):
        pass
    while await db.write(chunks.remove_chunks, files.ROWS, store_id):
        pass
