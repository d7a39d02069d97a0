"""Files in vector stores, and the chunks they were split into."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from storage.database import Reader, Row, Transaction

# Each vector store has its own range of `seq` numbers, so that its chunks are adjacent in the table.
STRETCH = 1 << 32


def put_file(tx: Transaction, row: Mapping[str, Any]) -> None:
    """Put a file into a vector store, or queue it for indexing again if it is already there."""
    tx.execute(
        "delete from vector_store_files where vector_store_id = :store and id = :id",
        store=row["vector_store_id"],
        id=row["id"],
    )
    tx.insert("vector_store_files", row)


def put_chunks(tx: Transaction, store: str, file_id: str, chunks: Mapping[int, str]) -> bool:
    """Add chunks of a file, keyed by number. Return False when the file is no longer being indexed."""
    if not _due(tx, store, file_id):
        return False
    free = _free(tx, store)
    if free is None:
        return False
    for seq, (number, text) in enumerate(chunks.items(), free):
        row = {"seq": seq, "vector_store_id": store, "file_id": file_id, "number": number, "text": text}
        tx.insert("chunks", row)
    return True


def _free(tx: Transaction, store: str) -> int | None:
    """Return the next free `seq` in a store's range; None if the store does not exist."""
    rows = tx.query(
        "select s.seq, (select max(c.seq) from chunks c where c.seq between s.seq * :n and s.seq * :n + :n - 1) as last"
        " from vector_stores s where s.id = :store",
        n=STRETCH,
        store=store,
    )
    return int(rows[0]["last"] or rows[0]["seq"] * STRETCH) + 1 if rows else None


def settle(tx: Transaction, store: str, file_id: str, row: Mapping[str, Any]) -> bool:
    """Record the result of indexing a file. Return False when the file was cancelled or removed in the meantime."""
    if not _due(tx, store, file_id):
        return False
    columns = ", ".join(f"{name} = :{name}" for name in row)
    tx.execute(
        f"update vector_store_files set {columns} where vector_store_id = :store and id = :file",  # noqa: S608 - ours
        **row,
        store=store,
        file=file_id,
    )
    return True


def _due(tx: Transaction, store: str, file_id: str) -> bool:
    rows = tx.query(
        "select 1 from vector_store_files where vector_store_id = :s and id = :f and status = 'in_progress'",
        s=store,
        f=file_id,
    )
    return bool(rows)


def file_row(tx: Transaction, store: str, file_id: str) -> Row | None:
    """Return the row of a file in a vector store."""
    sql = "select * from vector_store_files where vector_store_id = :store and id = :file"
    rows = tx.query(sql, store=store, file=file_id)
    return rows[0] if rows else None


def save_body(tx: Transaction, store: str, file_id: str, body: str) -> None:
    sql = "update vector_store_files set body = :body where vector_store_id = :store and id = :file"
    tx.execute(sql, body=body, store=store, file=file_id)


def cancel_batch(tx: Transaction, batch_id: str) -> None:
    tx.execute(
        "update vector_store_files set status = 'cancelled' where batch_id = :id and status = 'in_progress'",
        id=batch_id,
    )


def remove_file(tx: Transaction, store: str, file_id: str) -> bool:
    """Remove a file from a vector store. Its chunks are deleted by `remove_chunks`."""
    sql = "delete from vector_store_files where vector_store_id = :store and id = :file"
    return tx.execute(sql, store=store, file=file_id) > 0


def remove_chunks(tx: Transaction, limit: int, store: str, file_id: str | None = None) -> int:
    """Delete at most `limit` chunks of a vector store, or of one file in it. Return how many were deleted."""
    file = "" if file_id is None else "and file_id = :file"
    values = {} if file_id is None else {"file": file_id}
    return tx.execute(
        f"delete from chunks where seq in (select seq from chunks where vector_store_id = :s {file} limit :n)",  # noqa: S608
        s=store,
        n=limit,
        **values,
    )


def remove_entries(tx: Transaction, limit: int, store: str) -> int:
    """Delete at most `limit` file and batch rows of a vector store. Return how many were deleted."""
    removed = 0
    for table in ("vector_store_files", "vector_store_batches"):
        removed += tx.execute(
            f"delete from {table} where seq in (select seq from {table} where vector_store_id = :s limit :n)",  # noqa: S608
            s=store,
            n=limit - removed,
        )
    return removed


async def due(db: Reader, limit: int) -> list[Row]:
    """Return files that are waiting to be indexed, oldest first."""
    return await db.read(
        "select * from vector_store_files where status = 'in_progress' order by seq limit :limit", limit=limit
    )


async def holding(db: Reader, file_id: str) -> list[str]:
    """Return the vector stores that contain a file."""
    rows = await db.read("select vector_store_id from vector_store_files where id = :id", id=file_id)
    return [row["vector_store_id"] for row in rows]


async def filenames(db: Reader, stores: Sequence[str], limit: int) -> list[str]:
    """Return the distinct names of files in vector stores, newest first."""
    rows = await db.read(
        "select files.filename, max(v.seq) as newest from vector_store_files v join files on files.id = v.id"
        " where v.vector_store_id in (select value from json_each(:stores)) and v.status != 'cancelled'"
        " group by files.filename order by newest desc limit :limit",
        stores=json.dumps(list(stores)),
        limit=limit,
    )
    return [str(row["filename"]) for row in rows]


async def file_named(db: Reader, stores: Sequence[str], filename: str) -> str | None:
    """Return the newest file with this name in the vector stores."""
    rows = await db.read(
        "select v.id from vector_store_files v join files on files.id = v.id"
        " where v.vector_store_id in (select value from json_each(:stores)) and files.filename = :name"
        " order by v.seq desc limit 1",
        stores=json.dumps(list(stores)),
        name=filename,
    )
    return str(rows[0]["id"]) if rows else None


async def unready(db: Reader, stores: Sequence[str], limit: int) -> list[Row]:
    """Return `filename`, `status` and `body` of files whose indexing is in progress or failed."""
    return await db.read(
        "select files.filename, v.status, v.body from vector_store_files v join files on files.id = v.id"
        " where v.vector_store_id in (select value from json_each(:stores)) and v.status in ('in_progress', 'failed')"
        " order by v.status desc, v.seq desc limit :limit",
        stores=json.dumps(list(stores)),
        limit=limit,
    )


async def counts(db: Reader, column: str, ids: Iterable[str]) -> dict[str, list[Row]]:
    """Count files and sum their bytes by status, for each vector store or batch (`column` names which)."""
    named = {f"v{number}": value for number, value in enumerate(ids)}
    if not named:
        return {}
    rows = await db.read(
        f"select {column} as owner, status, count(*) as n, sum(usage_bytes) as bytes from vector_store_files"  # noqa: S608
        f" where {column} in ({', '.join(':' + name for name in named)}) group by owner, status",
        **named,
    )
    found: dict[str, list[Row]] = {id_: [] for id_ in named.values()}
    for row in rows:
        found[row["owner"]].append(row)
    return found


async def texts(db: Reader, store: str, file_id: str, after: int, limit: int) -> list[Row]:
    """Return chunks of a file in order, starting after the given number."""
    return await db.read(
        "select number, text from chunks where vector_store_id = :s and file_id = :f and number > :after"
        " order by number limit :limit",
        s=store,
        f=file_id,
        after=after,
        limit=limit,
    )
