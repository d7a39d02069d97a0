"""Semantic search: stores chunk vectors, fills in missing ones, finds the nearest."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Collection, Sequence
from contextlib import suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING

from assistants.service.embedding import Embedder
from assistants.service.pieces import ModelError
from storage import vectors
from storage.database import Database, Row
from storage.vectors import Vector

if TYPE_CHECKING:
    from assistants.service.matrix import Matrix

# Texts per request, and vectors per read.
AT_ONCE = 16
A_READ = 2_000
# How long a file waits for its vectors before keyword search may find it.
LEARNING = 5.0
# Pause after an endpoint failed to return embeddings.
PAUSE = 60.0
# Bytes of vectors kept in memory.
ROOM = 768 * 1024 * 1024

logger = logging.getLogger(__name__)


def why_not() -> str:
    """Return why semantic search is unavailable here; empty if it is available."""
    return "" if find_spec("numpy") else "numpy is missing; it comes with Threadline's extra `files`."


class Meaning:
    """The vectors of one embedder. Missing ones are filled in between `start` and `stop`."""

    def __init__(self, db: Database, embedder: Embedder) -> None:
        self._db = db
        self._embedder = embedder
        self._matrices: OrderedDict[str, Matrix] = OrderedDict()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="embeddings")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        await self._embedder.aclose()

    async def learn(self, store: str, file_id: str) -> None:
        """Embed a file. If that is slow or fails, keyword search finds the file until its vectors exist."""
        clock = asyncio.get_running_loop().time
        end = clock() + LEARNING
        try:
            while rows := await vectors.lacking_in(self._db, self._embedder.name, store, file_id, AT_ONCE):
                if clock() >= end:
                    self._wake.set()
                    break
                await self._put(rows)
        except ModelError as error:
            logger.warning("A file is found by its words alone until there are embeddings: %s", error)
            self._wake.set()

    async def nearest(
        self, store: str, queries: Sequence[str], most: int, among: Collection[int] | None = None
    ) -> list[int]:
        """Return the `seq` of chunks nearest to any of the queries. Raises `ModelError`."""
        matrix = await self._matrix(store)
        if not matrix.chunks.size:
            return []
        wanted = await self._embedder.embed(queries)
        return await asyncio.to_thread(matrix.nearest, wanted, most, among)

    async def _run(self) -> None:
        while True:
            try:
                await self._fill()
                await self._wake.wait()
                self._wake.clear()
                continue
            except ModelError as error:
                logger.info("Embeddings are tried again in %d seconds: %s", PAUSE, error)
            except Exception:
                logger.exception("Filling in embeddings failed; it is tried again")
            await asyncio.sleep(PAUSE)

    async def _fill(self) -> None:
        seq = 0
        while rows := await vectors.lacking(self._db, self._embedder.name, seq, AT_ONCE):
            await self._put(rows)
            seq = rows[-1]["seq"]

    async def _put(self, rows: Sequence[Row]) -> None:
        from assistants.service.matrix import as_bytes

        found = await self._embedder.embed([row["text"] for row in rows])
        data = await asyncio.to_thread(as_bytes, found)
        kept = [Vector(row["seq"], row["vector_store_id"], each) for row, each in zip(rows, data, strict=True)]
        await self._db.write(vectors.put, self._embedder.name, kept)

    async def _matrix(self, store: str) -> "Matrix":
        """Return a store's current vectors."""
        from assistants.service.matrix import Matrix

        matrix = self._matrices.get(store) or Matrix()
        if await vectors.newest(self._db, store) > matrix.newest:
            while rows := await vectors.after(self._db, self._embedder.name, store, matrix.newest, A_READ):
                await asyncio.to_thread(matrix.take, rows)
            await asyncio.to_thread(matrix.join)
        self._matrices[store] = matrix
        self._matrices.move_to_end(store)
        while len(self._matrices) > 1 and sum(each.size for each in self._matrices.values()) > ROOM:
            self._matrices.popitem(last=False)
        return matrix
