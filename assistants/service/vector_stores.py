"""Vector stores as the API shows them: creation, indexing progress, expiry."""

from collections.abc import Mapping, Sequence
from typing import Any

from assistants.contract import (
    Attributes,
    Chunking,
    ChunkingStrategy,
    ChunkSizes,
    Expiration,
    FileCounts,
    StaticChunking,
    VectorStore,
    VectorStoreFile,
    VectorStoreFileBatch,
)
from assistants.service.rows import from_row, new_id, now, to_row
from storage import chunks, objects
from storage.database import Database, Reader, Row, Transaction

DAY = 86_400
# The last use of a busy store is recorded at most this often.
USED_SECONDS = 60
# Rows that one write may touch.
ROWS = 200
DEFAULT_SIZES = ChunkSizes(max_chunk_size_tokens=800, chunk_overlap_tokens=400)


def new(**said: Any) -> VectorStore:
    """Return a new vector store with a request's fields."""
    made = now()
    store = VectorStore(id=new_id("vs"), created_at=made, status="completed", last_active_at=made, **said)
    return used(store, made)


def used(store: VectorStore, at: int) -> VectorStore:
    """Return the store as used at that time, which postpones its expiry."""
    days = store.expires_after.days if store.expires_after else None
    expires = None if days is None else at + days * DAY
    return store.model_copy(update={"last_active_at": at, "expires_at": expires})


def is_over(store: VectorStore) -> bool:
    """Return whether the store has expired."""
    return store.status == "expired" or (store.expires_at or now() + 1) <= now()


async def note_use(db: Database, store: VectorStore) -> None:
    """Record a search of a store, which postpones its expiry."""
    if (store.last_active_at or 0) + USED_SECONDS <= now():
        await db.write(_use, store.id)


def _use(tx: Transaction, id_: str) -> None:
    row = objects.get(tx, "vector_stores", id_)
    if row is not None:
        objects.save(tx, "vector_stores", to_row(used(from_row(VectorStore, row), now())))


async def empty(db: Database, store_id: str) -> None:
    """Delete a vector store's contents, a batch of rows at a time."""
    while await db.write(chunks.remove_entries, ROWS, store_id):
        pass
    while await db.write(chunks.remove_chunks, ROWS, store_id):
        pass


def expiring(store: VectorStore, expires_after: Expiration | None) -> VectorStore:
    """Return the store with another expiry policy."""
    store = store.model_copy(update={"expires_after": expires_after})
    return used(store, store.last_active_at or store.created_at)


def entry(
    store_id: str,
    file_id: str,
    chunking: ChunkingStrategy | None = None,
    attributes: Attributes | None = None,
) -> dict[str, Any]:
    """Return the fields of a new file entry in a vector store."""
    sizes = DEFAULT_SIZES
    if isinstance(chunking, StaticChunking):
        sizes = ChunkSizes(**chunking.static.wire())
    return {
        "id": file_id,
        "created_at": now(),
        "vector_store_id": store_id,
        "status": "in_progress",
        "last_error": None,
        "chunking_strategy": Chunking(type="static", static=sizes),
        "attributes": attributes or {},
    }


def put_file(tx: Transaction, file: VectorStoreFile, batch_id: str | None = None) -> None:
    chunks.put_file(tx, to_row(file, batch_id=batch_id))


async def read(db: Reader, rows: Sequence[Row]) -> list[VectorStore]:
    """Return vector stores from their rows, with file counts and sizes."""
    told = await chunks.counts(db, "vector_store_id", [row["id"] for row in rows])
    return [_counted(from_row(VectorStore, row), told[row["id"]]) for row in rows]


async def read_batch(db: Reader, row: Row) -> VectorStoreFileBatch:
    """Return a batch from its row, with file counts."""
    told = await chunks.counts(db, "batch_id", [row["id"]])
    counts = _counts(told[row["id"]])
    batch = from_row(VectorStoreFileBatch, row)
    status = "in_progress" if counts.in_progress and batch.status != "cancelled" else batch.status
    if batch.status == "in_progress" and not counts.in_progress:
        status = "failed" if counts.total and counts.failed == counts.total else "completed"
    return batch.model_copy(update={"file_counts": counts, "status": status})


def _counted(store: VectorStore, rows: Sequence[Row]) -> VectorStore:
    counts = _counts(rows)
    status = "expired" if is_over(store) else "in_progress" if counts.in_progress else "completed"
    size = sum(row["bytes"] or 0 for row in rows)
    return store.model_copy(update={"file_counts": counts, "status": status, "usage_bytes": size})


def _counts(rows: Sequence[Row]) -> FileCounts:
    by_status: Mapping[str, int] = {row["status"]: row["n"] for row in rows}
    return FileCounts(**by_status, total=sum(by_status.values()))
