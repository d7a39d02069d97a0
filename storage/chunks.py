"""Files in vector stores, the pieces they were cut into, and the search among these by words."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from storage.database import Reader, Row, Transaction


@dataclass(frozen=True, slots=True)
class Search:
    """Pieces of one vector store that hold any of the words, the best first.

    `condition` is SQL on the file's row `f`, with `values` for its placeholders.
    """

    vector_store_id: str
    words: Sequence[str]
    limit: int
    condition: str = ""
    values: Mapping[str, Any] | None = None


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
    for number, text in chunks.items():
        tx.insert("chunks", {"vector_store_id": store, "file_id": file_id, "number": number, "text": text})
    return True


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


async def search(db: Reader, wanted: Search) -> list[Row]:
    """`seq`, `file_id`, `filename`, `text`, the file's `body` in the store, and `rank`, smaller for the better."""
    if not wanted.words:
        return []
    words = " OR ".join(f'"{word}"' for word in wanted.words)
    # A condition is looked up for every piece that has a word: only where there is one, or files that do not count yet.
    counts = f"{_COUNTS} {f'and ({wanted.condition})' if wanted.condition else ''})"
    whole = not wanted.condition and not await _reading(db, wanted.vector_store_id)
    return await db.read(
        "select c.seq, c.file_id, files.filename, c.text, f.body, hit.rank from"  # noqa: S608 - built here
        " (select rowid as seq, bm25(chunks_words) as rank from chunks_words where chunks_words match :match"
        f" and {_IN_STORE if whole else counts} order by rank limit :limit) hit"
        " join chunks c on c.seq = hit.seq"
        " join vector_store_files f on f.vector_store_id = c.vector_store_id and f.id = c.file_id"
        " join files on files.id = c.file_id where f.status = 'completed' order by hit.rank",
        match=f"text : ({words})",
        store=wanted.vector_store_id,
        limit=wanted.limit,
        **(wanted.values or {}),
    )


_IN_STORE = "(select vector_store_id from chunks where seq = chunks_words.rowid) = :store"
_COUNTS = (
    "exists (select 1 from chunks c join vector_store_files f on f.vector_store_id = c.vector_store_id"
    " and f.id = c.file_id where c.seq = chunks_words.rowid and c.vector_store_id = :store and f.status = 'completed'"
)


async def _reading(db: Reader, store: str) -> bool:
    """Whether a store has files whose pieces are not all there."""
    return bool(
        await db.read(
            "select 1 as one from vector_store_files where vector_store_id = :store and status != 'completed' limit 1",
            store=store,
        )
    )


async def pieces(db: Reader, wanted: Search, seqs: Sequence[int]) -> list[Row]:
    """The same without `rank`, of pieces by their `seq`; those that are gone or not wanted are left out."""
    return await db.read(
        "select c.seq, c.file_id, files.filename, c.text, f.body from chunks c"  # noqa: S608 - built here
        " join vector_store_files f on f.vector_store_id = c.vector_store_id and f.id = c.file_id"
        " join files on files.id = c.file_id"
        " where c.seq in (select value from json_each(:seqs)) and c.vector_store_id = :store"
        f" and f.status = 'completed' {f'and ({wanted.condition})' if wanted.condition else ''}",
        seqs=json.dumps(list(seqs)),
        store=wanted.vector_store_id,
        **(wanted.values or {}),
    )


async def seqs(db: Reader, wanted: Search) -> list[int]:
    """The `seq` of every piece in the files that a condition lets through."""
    rows = await db.read(
        "select c.seq from vector_store_files f"  # noqa: S608 - built here
        " join chunks c on c.vector_store_id = f.vector_store_id and c.file_id = f.id"
        f" where f.vector_store_id = :store and f.status = 'completed' and ({wanted.condition})",
        store=wanted.vector_store_id,
        **(wanted.values or {}),
    )
    return [int(row["seq"]) for row in rows]
