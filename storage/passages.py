"""Searches the chunks of vector stores, by keyword and by number, and names the file each chunk is from."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from storage.chunks import STRETCH
from storage.database import Reader, Row


@dataclass(frozen=True, slots=True)
class Search:
    """A keyword search for chunks of one vector store that contain any of the words, best first.

    `condition` is SQL on the file's row `f`, with `values` for its placeholders.
    """

    vector_store_id: str
    words: Sequence[str]
    limit: int
    condition: str = ""
    values: Mapping[str, Any] | None = None


# The unary + in _OURS keeps SQLite from using the store's index, which would read all of the store's chunks.
_TOLD = "c.seq, c.file_id, files.filename, c.text, f.body"
_FILES = (
    " join vector_store_files f on f.vector_store_id = c.vector_store_id and f.id = c.file_id"
    " and f.status = 'completed' join files on files.id = c.file_id"
)
_OURS = "+c.vector_store_id = :store"


async def by_words(db: Reader, wanted: Search) -> list[Row]:
    """Return `seq`, `file_id`, `filename`, `text`, the file's `body` in the store, and `rank` (lower is better)."""
    if not wanted.words:
        return []
    store = await _store(db, wanted.vector_store_id)
    if store is None:
        return []
    # Looking up the file of every matching chunk is slow, so it is done only when some files are excluded.
    counts = f"and exists (select 1 from chunks c{_FILES} where c.seq = chunks_words.rowid {_condition(wanted)})"  # noqa: S608
    return await db.read(
        f"select {_TOLD}, hit.rank from"  # noqa: S608 - built here
        " (select rowid as seq, bm25(chunks_words) as rank from chunks_words where chunks_words match :match"
        f" and rowid between :first and :last {counts if wanted.condition or store['reading'] else ''}"
        f" order by rank limit :limit) hit join chunks c on c.seq = hit.seq{_FILES} where {_OURS} order by hit.rank",
        match=" OR ".join(f'"{word}"' for word in wanted.words),
        first=store["seq"] * STRETCH,
        last=store["seq"] * STRETCH + STRETCH - 1,
        store=wanted.vector_store_id,
        limit=wanted.limit,
        **(wanted.values or {}),
    )


async def by_seq(db: Reader, wanted: Search, seqs: Sequence[int]) -> list[Row]:
    """Return the same without `rank` for chunks with these `seq`; deleted and excluded chunks are left out."""
    return await db.read(
        f"select {_TOLD} from chunks c{_FILES}"  # noqa: S608 - built here
        f" where c.seq in (select value from json_each(:seqs)) and {_OURS} {_condition(wanted)}",
        seqs=json.dumps(list(seqs)),
        store=wanted.vector_store_id,
        **(wanted.values or {}),
    )


async def seqs_of(db: Reader, wanted: Search) -> list[int]:
    """Return the `seq` of every chunk in files that match the condition."""
    rows = await db.read(
        "select c.seq from vector_store_files f"  # noqa: S608 - built here
        " join chunks c on c.vector_store_id = f.vector_store_id and c.file_id = f.id"
        f" where f.vector_store_id = :store and f.status = 'completed' {_condition(wanted)}",
        store=wanted.vector_store_id,
        **(wanted.values or {}),
    )
    return [int(row["seq"]) for row in rows]


def _condition(wanted: Search) -> str:
    return f"and ({wanted.condition})" if wanted.condition else ""


async def _store(db: Reader, id_: str) -> Row | None:
    """Return a vector store's `seq`, and whether it is `reading`: some of its files are not completed."""
    rows = await db.read(
        "select s.seq, exists (select 1 from vector_store_files f where f.vector_store_id = s.id"
        " and f.status <> 'completed') as reading from vector_stores s where s.id = :id",
        id=id_,
    )
    return rows[0] if rows else None
