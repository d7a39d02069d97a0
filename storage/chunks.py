"""Files in vector stores, and the pieces they were cut into."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from storage.database import Reader, Row, Transaction

# The pieces of a vector store stand beside each other, in a stretch of its own of so many numbers.
STRETCH = 1 << 32


def put_file(tx: Transaction, row: Mapping[str, Any]) -> None:
    """Put a file into a vector store, or let it be cut anew if it is there."""
    tx.execute(
        "delete from vector_store_files where vector_store_id = :store and id = :id",
        store=row["vector_store_id"],
        id=row["id"],
    )
    tx.insert("vector_store_files", row)


def put_chunks(tx: Transaction, store: str, file_id: str, chunks: Mapping[int, str]) -> bool:
    """Add pieces of a file by their numbers; False when nobody wants them any more."""
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
    """The next `seq` in a store's stretch; None where there is no such store."""
    rows = tx.query(
        "select s.seq, (select max(c.seq) from chunks c where c.seq between s.seq * :n and s.seq * :n + :n - 1) as last"
        " from vector_stores s where s.id = :store",
        n=STRETCH,
        store=store,
    )
    return int(rows[0]["last"] or rows[0]["seq"] * STRETCH) + 1 if rows else None


def settle(tx: Transaction, store: str, file_id: str, row: Mapping[str, Any]) -> bool:
    """Write the end of a file's indexing over its row; False when it was cancelled or taken out meanwhile."""
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
    """The row of a file in a vector store."""
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
    """Take a file out of a vector store; its pieces go by `remove_chunks`."""
    sql = "delete from vector_store_files where vector_store_id = :store and id = :file"
    return tx.execute(sql, store=store, file=file_id) > 0


def remove_chunks(tx: Transaction, limit: int, store: str, file_id: str | None = None) -> int:
    """Delete at most `limit` pieces of a vector store, or of one file in it; returns how many there were."""
    file = "" if file_id is None else "and file_id = :file"
    values = {} if file_id is None else {"file": file_id}
    return tx.execute(
        f"delete from chunks where seq in (select seq from chunks where vector_store_id = :s {file} limit :n)",  # noqa: S608
        s=store,
        n=limit,
        **values,
    )


def remove_entries(tx: Transaction, limit: int, store: str) -> int:
    """Delete at most `limit` of the rows that a vector store's files have in it; returns how many there were."""
    removed = 0
    for table in ("vector_store_files", "vector_store_batches"):
        removed += tx.execute(
            f"delete from {table} where seq in (select seq from {table} where vector_store_id = :s limit :n)",  # noqa: S608
            s=store,
            n=limit - removed,
        )
    return removed


async def due(db: Reader, limit: int) -> list[Row]:
    """Files that wait to be cut into pieces, the first one first."""
    return await db.read(
        "select * from vector_store_files where status = 'in_progress' order by seq limit :limit", limit=limit
    )


async def holding(db: Reader, file_id: str) -> list[str]:
    """The vector stores that hold a file."""
    rows = await db.read("select vector_store_id from vector_store_files where id = :id", id=file_id)
    return [row["vector_store_id"] for row in rows]


async def filenames(db: Reader, stores: Sequence[str], limit: int) -> list[str]:
    """The names of files in vector stores, each once, the newest first."""
    rows = await db.read(
        "select files.filename, max(v.seq) as newest from vector_store_files v join files on files.id = v.id"
        " where v.vector_store_id in (select value from json_each(:stores)) and v.status != 'cancelled'"
        " group by files.filename order by newest desc limit :limit",
        stores=json.dumps(list(stores)),
        limit=limit,
    )
    return [str(row["filename"]) for row in rows]


async def file_named(db: Reader, stores: Sequence[str], filename: str) -> str | None:
    """The newest file of a name in vector stores."""
    rows = await db.read(
        "select v.id from vector_store_files v join files on files.id = v.id"
        " where v.vector_store_id in (select value from json_each(:stores)) and files.filename = :name"
        " order by v.seq desc limit 1",
        stores=json.dumps(list(stores)),
        name=filename,
    )
    return str(rows[0]["id"]) if rows else None


async def unready(db: Reader, stores: Sequence[str], limit: int) -> list[Row]:
    """`filename`, `status` and `body` of files in vector stores that are being read or could not be."""
    return await db.read(
        "select files.filename, v.status, v.body from vector_store_files v join files on files.id = v.id"
        " where v.vector_store_id in (select value from json_each(:stores)) and v.status in ('in_progress', 'failed')"
        " order by v.status desc, v.seq desc limit :limit",
        stores=json.dumps(list(stores)),
        limit=limit,
    )


async def counts(db: Reader, column: str, ids: Iterable[str]) -> dict[str, list[Row]]:
    """How many files are in which state, and their bytes, by the vector store or the batch they belong to."""
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
    """Pieces of a file in their order, from the one after a number on."""
    return await db.read(
        "select number, text from chunks where vector_store_id = :s and file_id = :f and number > :after"
        " order by number limit :limit",
        s=store,
        f=file_id,
        after=after,
        limit=limit,
    )
