"""Cost of file search: chunks indexed per second, and search time among many chunks, by keyword and fused.

    python -m bench.search [--chunks 1000 10000 100000] [--searches 40]

Queries have three words, each found in a few percent of the chunks, like words people search for. Times are medians of
whole calls, including the database, without embedding the query. Vectors are random with 384 dimensions; their contents
do not affect the time. For comparison, `product` multiplies the query with every vector, without finding the best.
"""

import argparse
import asyncio
import random
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from assistants.service.meaning import Meaning
from assistants.service.searching import Searcher, Wanted
from storage import chunks, vectors
from storage.database import Database, Transaction
from storage.sqlite import SQLiteDatabase
from storage.vectors import Vector

DIMENSIONS = 384
WORDS_A_PIECE = 120
AT_ONCE = 40
STORE = "vs_1"

Numbers = list[float]


class Dice:
    """Random words, distributed as in real text (few frequent, most rare), and random vectors."""

    name = "dice"

    def __init__(self) -> None:
        self._chance = random.Random(1)  # noqa: S311 - the same words each time
        self._words = [f"word{number:05}" for number in range(20_000)]
        self._weights = [1 / (number + 10) for number in range(len(self._words))]

    def text(self, words: int = WORDS_A_PIECE) -> str:
        return " ".join(self._chance.choices(self._words, self._weights, k=words))

    def query(self) -> str:
        return " ".join(self._chance.sample(self._words[100:2_000], 3))

    def vector(self) -> Numbers:
        return [self._chance.gauss(0, 1) for _ in range(DIMENSIONS)]

    async def embed(self, texts: Sequence[str]) -> list[Numbers]:
        return [self.vector() for _ in texts]

    async def aclose(self) -> None: ...


def begin(tx: Transaction) -> None:
    columns = {"id": "file-1", "created_at": 1, "body": "{}"}
    tx.insert("files", {**columns, "project": "default", "purpose": "assistants", "filename": "a.txt", "bytes": 1})
    tx.insert("vector_stores", {**columns, "id": STORE, "project": "default", "status": "completed"})
    tx.insert("vector_store_files", {**columns, "vector_store_id": STORE, "status": "in_progress", "usage_bytes": 1})


async def fill(db: Database, dice: Dice, count: int, embeddings: Sequence[bytes]) -> float:
    """Measure chunks per second, written as the indexer does."""
    await db.write(begin)
    took, seq = 0.0, 0
    for first in range(0, count, AT_ONCE):
        texts = [dice.text() for _ in range(min(AT_ONCE, count - first))]
        begun = time.perf_counter()
        await db.write(chunks.put_chunks, STORE, "file-1", dict(enumerate(texts, first)))
        took += time.perf_counter() - begun
        rows = await vectors.lacking(db, dice.name, seq, AT_ONCE)
        seq = rows[-1]["seq"]
        kept = [Vector(row["seq"], STORE, embeddings[row["seq"] % len(embeddings)]) for row in rows]
        await db.write(vectors.put, dice.name, kept)
    await db.write(chunks.settle, STORE, "file-1", {"status": "completed"})
    return count / took


async def searching(searcher: Searcher, dice: Dice, times: int) -> float:
    """Return the median search time in milliseconds."""
    took = []
    for _ in range(times):
        query = dice.query()
        begun = time.perf_counter()
        await searcher.find([STORE], Wanted([query], 20))
        took.append((time.perf_counter() - begun) * 1000)
    return statistics.median(took)


def product(size: int, times: int) -> float:
    """Return the same for a plain product, for comparison."""
    import numpy as np

    vectors, query = np.ones((size, DIMENSIONS), np.float32), np.ones(DIMENSIONS, np.float32)
    took = []
    for _ in range(times):
        begun = time.perf_counter()
        vectors @ query
        took.append((time.perf_counter() - begun) * 1000)
    return statistics.median(took)


async def main(sizes: Sequence[int], searches: int) -> None:
    import numpy as np

    dice = Dice()
    embeddings = [np.array(dice.vector(), np.float32).tobytes() for _ in range(500)]
    print(f"{'pieces':>8} {'indexed/s':>10} {'words ms':>9} {'fused ms':>9} {'product ms':>11} {'first ms':>9}")
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            db = SQLiteDatabase.open(Path(folder) / "bench.db")
            rate = await fill(db, dice, size, embeddings)
            fused = Searcher(db, Meaning(db, dice))
            begun = time.perf_counter()
            await fused.find([STORE], Wanted([dice.query()], 20))
            first = (time.perf_counter() - begun) * 1000
            by_words = await searching(Searcher(db), dice, searches)
            by_both, plain = await searching(fused, dice, searches), product(size, searches)
            print(f"{size:8} {rate:10.0f} {by_words:9.1f} {by_both:9.1f} {plain:11.1f} {first:9.0f}")
            await db.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chunks", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--searches", type=int, default=40)
    given = parser.parse_args()
    asyncio.run(main(given.chunks, given.searches))
