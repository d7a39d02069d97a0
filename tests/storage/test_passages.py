"""Pieces of files are found in the store that was asked, also those that an older version kept."""

from pathlib import Path

import sqlite_utils

from storage import chunks, passages, vectors
from storage.database import Transaction
from storage.passages import Search
from storage.schema import migrations
from storage.sqlite import SQLiteDatabase

ROW = {"created_at": 1, "body": "{}"}


def store(tx: Transaction, id_: str, status: str = "in_progress") -> None:
    """A vector store with a file of its own."""
    file = {**ROW, "id": f"file-{id_}"}
    tx.insert("vector_stores", {**ROW, "id": id_, "project": "default", "status": "completed"})
    tx.insert("files", {**file, "project": "default", "purpose": "assistants", "filename": f"{id_}.txt", "bytes": 1})
    tx.insert("vector_store_files", {**file, "vector_store_id": id_, "status": status, "usage_bytes": 1})


async def filled(db: SQLiteDatabase, id_: str, *texts: str, begin: int = 0) -> None:
    assert await db.write(chunks.put_chunks, id_, f"file-{id_}", dict(enumerate(texts, begin)))


async def found(db: SQLiteDatabase, id_: str, *words: str, condition: str = "") -> list[str]:
    rows = await passages.by_words(db, Search(id_, words, 10, condition))
    return [row["text"] for row in rows]


async def test_a_search_finds_only_its_own_vector_store(db: SQLiteDatabase) -> None:
    for id_ in ("vs_1", "vs_2"):
        await db.write(store, id_)
    await filled(db, "vs_1", "the first umbrella")
    await filled(db, "vs_2", "the second umbrella", "gloves")
    await filled(db, "vs_1", "the third umbrella", begin=1)
    for id_ in ("vs_1", "vs_2"):
        assert await found(db, id_, "umbrella") == []  # is still being read
        await db.write(chunks.settle, id_, f"file-{id_}", {"status": "completed"})
    assert sorted(await found(db, "vs_1", "umbrella")) == ["the first umbrella", "the third umbrella"]
    assert await found(db, "vs_2", "umbrella", "gloves") == ["gloves", "the second umbrella"]
    assert await found(db, "vs_2", "umbrella", condition="f.id = 'file-vs_1'") == []
    assert await found(db, "vs_3", "umbrella") == []


async def test_a_store_that_is_gone_takes_no_more_pieces(db: SQLiteDatabase) -> None:
    await db.write(store, "vs_1")
    await db.write(lambda tx: tx.execute("delete from vector_stores"))
    assert not await db.write(chunks.put_chunks, "vs_1", "file-vs_1", {0: "umbrella"})


async def test_what_an_older_version_indexed_is_found(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    old = sqlite_utils.Database(path)
    migrations.apply(old, stop_before="m011_chunks_by_store")
    for number, id_ in enumerate(("vs_1", "vs_2"), 1):
        common = {**ROW, "project": "default"}
        old.table("vector_stores").insert({**common, "id": id_, "status": "completed"})
        old.table("files").insert(
            {**common, "id": "file-1", "purpose": "assistants", "filename": "a.txt", "bytes": 1}, ignore=True
        )
        entry = {**ROW, "id": "file-1", "vector_store_id": id_, "status": "completed", "usage_bytes": 1}
        old.table("vector_store_files").insert(entry)
        text = f"umbrella {number}"
        old.table("chunks").insert({"vector_store_id": id_, "file_id": "file-1", "number": 0, "text": text})
        old.table("vectors").insert({"chunk": number, "vector_store_id": id_, "model": "m", "data": b"1234"})
    old.close()
    db = SQLiteDatabase.open(path)
    try:
        assert await found(db, "vs_1", "umbrellas") == ["umbrella 1"]
        assert await found(db, "vs_2", "umbrellas") == ["umbrella 2"]
        assert await vectors.lacking(db, "m", 0, 10) == []
        (vector,) = await vectors.after(db, "m", "vs_2", 0, 10)
        (row,) = await passages.by_seq(db, Search("vs_2", (), 10), [vector["chunk"]])
        assert row["text"] == "umbrella 2"
        while await db.write(chunks.remove_chunks, 10, "vs_2"):
            pass
        assert await found(db, "vs_2", "umbrella") == []
        assert await found(db, "vs_1", "umbrella") == ["umbrella 1"]
    finally:
        await db.close()


async def test_the_pieces_of_a_store_stand_beside_each_other(db: SQLiteDatabase) -> None:
    """The index is asked for that stretch alone: what other stores hold costs a search nothing."""
    for id_ in ("vs_1", "vs_2"):
        await db.write(store, id_)
        await filled(db, id_, "umbrella", "gloves")
    rows = await db.read("select vector_store_id, seq / :stretch as stretch from chunks", stretch=chunks.STRETCH)
    assert {(row["vector_store_id"], row["stretch"]) for row in rows} == {("vs_1", 1), ("vs_2", 2)}
