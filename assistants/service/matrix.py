"""The vectors of one vector store in memory, with exact search or, for many vectors, a prefilter by signs."""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from storage.database import Row

Floats = np.ndarray[Any, np.dtype[np.float32]]
Integers = np.ndarray[Any, np.dtype[Any]]

# Up to ALL vectors are compared directly. With more, their signs select LOOKED_AT vectors to compare.
ALL = 10_000
LOOKED_AT = 2_000


class Matrix:
    """Vectors with the `seq` of their chunks."""

    def __init__(self) -> None:
        self.newest = 0
        self.chunks: Integers = np.empty(0, np.int64)
        self._vectors: Floats = np.empty((0, 0), np.float32)
        self._signs = _Signs(self._vectors)
        self._parts: list[tuple[Integers, Floats]] = []

    @property
    def size(self) -> int:
        return int(self._vectors.nbytes)

    def take(self, rows: Sequence[Row]) -> None:
        data = b"".join(row["data"] for row in rows)
        new = np.frombuffer(data, np.float32).reshape(len(rows), -1)
        self._parts.append((np.array([row["chunk"] for row in rows], np.int64), new))
        self.newest = int(rows[-1]["id"])

    def join(self) -> None:
        """Merge the new vectors. A chunk's newest vector replaces older ones; those of another length are dropped."""
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
        self._signs = _Signs(new if len(new) > ALL else new[:0])

    def nearest(self, queries: Sequence[Sequence[float]], most: int, among: Collection[int] | None) -> list[int]:
        """Return the `seq` of the chunks nearest to any of the queries, the nearest first."""
        wanted = np.array(queries, np.float32)
        if wanted.shape[1] != self._vectors.shape[1]:
            return []
        places = self._places(among)
        if (looked_at := max(LOOKED_AT, most)) < len(places) and len(self.chunks) > ALL:
            looks = [self._signs.nearest(query, places, looked_at) for query in wanted]
            places = np.unique(np.concatenate(looks))
        vectors = self._vectors if len(places) == len(self._vectors) else self._vectors[places]
        # No matrix product: on a busy machine its threads wait for each other longer than the product itself takes.
        near = np.max([np.vecdot(vectors, query) for query in wanted], axis=0)
        best = _smallest(-near, most)
        return [int(seq) for seq in self.chunks[places[best[np.argsort(-near[best], kind="stable")]]]]

    def _places(self, among: Collection[int] | None) -> Integers:
        if among is None:
            return np.arange(len(self.chunks))
        return np.flatnonzero(np.isin(self.chunks, np.fromiter(among, np.int64, len(among))))


class _Signs:
    """Vectors reduced to one bit per number: whether it is above its column's mean."""

    def __init__(self, vectors: Floats) -> None:
        self._means = vectors.mean(axis=0) if len(vectors) else vectors.sum(axis=0)
        # By column: the same 64-bit word of all vectors is contiguous.
        self._words = np.ascontiguousarray(self._bits(vectors).T)

    def nearest(self, query: Floats, places: Integers, most: int) -> Integers:
        """Return the places whose signs differ least from the query's, including all ties for the last."""
        every = len(places) == self._words.shape[1]
        differ = np.zeros(len(places), np.uint16)
        for words, word in zip(self._words, self._bits(query[np.newaxis])[0], strict=True):
            differ += np.bitwise_count((words if every else words[places]) ^ word)
        # There are few distinct counts, so adding them up is faster than sorting.
        return places[differ <= np.searchsorted(np.bincount(differ).cumsum(), most)]

    def _bits(self, vectors: Floats) -> Integers:
        packed = np.packbits(vectors > self._means, axis=1)
        return np.pad(packed, ((0, 0), (0, -packed.shape[1] % 8))).view(np.uint64)


def _smallest(numbers: Integers, most: int) -> Integers:
    return np.argpartition(numbers, most - 1)[:most] if most < len(numbers) else np.arange(len(numbers))


def as_bytes(found: Sequence[Sequence[float]]) -> list[bytes]:
    """Return the vectors normalized, as stored bytes."""
    rows = np.array(found, np.float32)
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    return [row.tobytes() for row in rows]
