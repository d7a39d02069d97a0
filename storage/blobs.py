"""File contents, stored in pieces small enough for one write."""

from collections.abc import AsyncIterator, Sequence

from storage.database import Reader, Transaction

PIECE = 512 * 1024


def put(tx: Transaction, id: str, number: int, data: bytes) -> None:  # noqa: A002 - the column's name
    tx.insert("blobs", {"id": id, "number": number, "data": data})


async def read(db: Reader, ids: Sequence[str]) -> AsyncIterator[bytes]:
    """Yield the bytes stored under these ids, in order, piece by piece."""
    for id_ in ids:
        number = 0
        while rows := await db.read(
            "select data from blobs where id = :id and number = :number", id=id_, number=number
        ):
            yield bytes(rows[0]["data"])
            number += 1


def remove(tx: Transaction, id: str) -> bool:  # noqa: A002 - the column's name
    """Delete one piece. Return whether there was one."""
    return tx.execute("delete from blobs where seq = (select min(seq) from blobs where id = :id)", id=id) > 0


async def orphans(db: Reader) -> list[str]:
    """Return ids of bytes that belong to no file or upload part: a killed process left them half written."""
    rows = await db.read(
        "select distinct b.id from blobs b where not exists (select 1 from files f where f.id = b.id)"
        " and not exists (select 1 from upload_parts p where p.id = b.id)"
    )
    return [row["id"] for row in rows]
