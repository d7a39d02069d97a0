"""Finds pieces of files by what they mean: keeps their vectors, fills in those that are missing, compares."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Collection, Sequence
from contextlib import suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from assistants.service.embedding import Embedder
from assistants.service.pieces import ModelError
from storage import vectors
from storage.database import Database, Row
from storage.vectors import Vector

if TYPE_CHECKING:
    import numpy as np

    Floats = np.ndarray[Any, np.dtype[np.float32]]

# Texts in one request, and vectors in one read.
AT_ONCE = 32
A_READ = 2_000
# How long an endpoint that gives no embeddings is left alone.
PAUSE = 60.0
# Bytes of vectors that stay in memory.
ROOM = 768 * 1024 * 1024

logger = logging.getLogger(__name__)


def why_not() -> str:
    """Why vectors cannot be compared here; empty where they can."""
    return "" if find_spec("numpy") else "numpy is missing; it comes with Threadline's extra `files`."


class Meaning:
    """The vectors of one embedder. Between `start` and `stop` it fills in what is missing."""

    def __init__(self, db: Database, embedder: Embedder) -> None:
        self._db = db
        self._embedder = embedder
        self._matrices: OrderedDict[str, _Matrix] = OrderedDict()
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
        """Have the vectors of a file; without its endpoint it is found by words until they come."""
        try:
            while rows := await vectors.lacking_in(self._db, self._embedder.name, store, file_id, AT_ONCE):
                await self._put(rows)
        except ModelError as error:
            logger.warning("A file is found by its words alone until there are embeddings: %s", error)
            self._wake.set()

    async def nearest(
        self, store: str, queries: Sequence[str], most: int, among: Collection[int] | None = None
    ) -> list[int]:
        """The pieces of a store whose meaning is nearest to any of the queries, by `seq`. Raises `ModelError`."""
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
        found = await self._embedder.embed([row["text"] for row in rows])
        data = await asyncio.to_thread(_as_bytes, found)
        kept = [Vector(row["seq"], row["vector_store_id"], each) for row, each in zip(rows, data, strict=True)]
        await self._db.write(vectors.put, self._embedder.name, kept)

    async def _matrix(self, store: str) -> "_Matrix":
        """The vectors of a store as they are now."""
        matrix = self._matrices.get(store) or _Matrix()
        if await vectors.newest(self._db, store) > matrix.newest:
            while rows := await vectors.after(self._db, self._embedder.name, store, matrix.newest, A_READ):
                await asyncio.to_thread(matrix.take, rows)
            await asyncio.to_thread(matrix.join)
        self._matrices[store] = matrix
        self._matrices.move_to_end(store)
        while len(self._matrices) > 1 and sum(each.size for each in self._matrices.values()) > ROOM:
            self._matrices.popitem(last=False)
        return matrix


class _Matrix:
    """The vectors of one store in memory, each beside the `seq` of its piece."""

    def __init__(self) -> None:
        import numpy as np

        self.newest = 0
        self.chunks: np.ndarray[Any, np.dtype[np.int64]] = np.empty(0, np.int64)
        self._vectors: Floats = np.empty((0, 0), np.float32)
        self._parts: list[tuple[Any, Any]] = []

    @property
    def size(self) -> int:
        return int(self._vectors.nbytes)

    def take(self, rows: Sequence[Row]) -> None:
        import numpy as np

        data = b"".join(row["data"] for row in rows)
        new = np.frombuffer(data, np.float32).reshape(len(rows), -1)
        self._parts.append((np.array([row["chunk"] for row in rows], np.int64), new))
        self.newest = int(rows[-1]["id"])

    def join(self) -> None:
        """Put what was taken to the rest: a piece's newest vector counts, and so do those as long as it."""
        import numpy as np

        if not self._parts:
            return
        chunks = np.concatenate([part for part, _ in self._parts])
        new = np.concatenate([part for _, part in self._parts])
        self._parts = []
        if self._vectors.shape[1] == new.shape[1]:
            stays = ~np.isin(self.chunks, chunks)
            chunks = np.concatenate([self.chunks[stays], chunks])
            new = np.concatenate([self._vectors[stays], new])
        self.chunks, self._vectors = chunks, new

    def nearest(self, queries: Sequence[Sequence[float]], most: int, among: Collection[int] | None) -> list[int]:
        import numpy as np

        wanted = np.array(queries, np.float32)
        if wanted.shape[1] != self._vectors.shape[1]:
            return []
        near = (self._vectors @ wanted.T).max(axis=1)
        if among is not None:
            near = np.where(np.isin(self.chunks, np.fromiter(among, np.int64, len(among))), near, -np.inf)
        most = min(most, near.size)
        best = np.argpartition(-near, most - 1)[:most]
        best = best[np.argsort(-near[best], kind="stable")]
        return [int(self.chunks[place]) for place in best if near[place] > -np.inf]


def _as_bytes(found: Sequence[Sequence[float]]) -> list[bytes]:
    """Vectors of length one, as they are kept."""
    import numpy as np

    rows = np.array(found, np.float32)
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    return [row.tobytes() for row in rows]
