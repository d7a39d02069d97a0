"""Embeddings of chunks, all from one model: written per chunk, read per vector store."""

from collections.abc import Sequence
from dataclasses import dataclass

from storage.database import Reader, Row, Transaction


@dataclass(frozen=True, slots=True)
class Vector:
    """The `seq` of a chunk and its vector as bytes."""

    chunk: int
    vector_store_id: str
    data: bytes


def put(tx: Transaction, model: str, vectors: Sequence[Vector]) -> None:
    """Store vectors, replacing those of another model. Chunks deleted in the meantime are skipped."""
    for vector in vectors:
        tx.execute("delete from vectors where chunk = :chunk", chunk=vector.chunk)
        tx.execute(
            "insert into vectors (chunk, vector_store_id, model, data)"
            " select seq, vector_store_id, :model, :data from chunks where seq = :chunk and vector_store_id = :store",
            chunk=vector.chunk,
            store=vector.vector_store_id,
            model=model,
            data=vector.data,
        )


async def lacking(db: Reader, model: str, after: int, limit: int) -> list[Row]:
    """Return `seq`, `vector_store_id` and `text` of chunks without a vector of this model, after the given `seq`."""
    return await db.read(
        "select c.seq, c.vector_store_id, c.text from chunks c"
        " left join vectors v on v.chunk = c.seq and v.model = :model"
        " where c.seq > :after and v.id is null order by c.seq limit :limit",
        model=model,
        after=after,
        limit=limit,
    )


async def lacking_in(db: Reader, model: str, store: str, file_id: str, limit: int) -> list[Row]:
    """The same for one file."""
    return await db.read(
        "select c.seq, c.vector_store_id, c.text from chunks c"
        " left join vectors v on v.chunk = c.seq and v.model = :model"
        " where c.vector_store_id = :store and c.file_id = :file and v.id is null order by c.number limit :limit",
        model=model,
        store=store,
        file=file_id,
        limit=limit,
    )


async def newest(db: Reader, store: str) -> int:
    """Return the largest id of a store's vectors; 0 without any."""
    (row,) = await db.read("select coalesce(max(id), 0) as id from vectors where vector_store_id = :s", s=store)
    return int(row["id"])


async def after(db: Reader, model: str, store: str, id_: int, limit: int) -> list[Row]:
    """Return `id`, `chunk` and `data` of a store's vectors, after the given id."""
    return await db.read(
        "select id, chunk, data from vectors where vector_store_id = :s and id > :id and model = :model"
        " order by id limit :limit",
        s=store,
        id=id_,
        model=model,
        limit=limit,
    )
