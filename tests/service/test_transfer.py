"""What is brought from another server comes whole, however often the bringing ends before it is done."""

import base64
import itertools
from pathlib import Path
from typing import Any

from assistants.contract import (
    Collection,
    File,
    KeptFile,
    KeptStore,
    KeptThread,
    Message,
    TextContent,
    TextValue,
    Thread,
    VectorStore,
    VectorStoreFile,
)
from assistants.service import transfer, vector_stores
from storage.blobs import PIECE
from storage.sqlite import SQLiteDatabase

APPLES = b"apples " * (PIECE // 4)


class Died(Exception):
    """The process ended here."""


class Mortal:
    """A database whose process ends before one of its writes."""

    def __init__(self, db: SQLiteDatabase, writes: int) -> None:
        self._db = db
        self._left = writes

    async def write(self, job: Any, *args: Any) -> Any:
        if self._left == 0:
            raise Died
        self._left -= 1
        return await self._db.write(job, *args)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._db, name)


def collection() -> Collection:
    file = File(
        id="file-1", created_at=1, bytes=len(APPLES), filename="a.txt", purpose="assistants", status="processed"
    )
    store: VectorStore = vector_stores.new(name="Fruit").model_copy(update={"id": "vs_1"})
    messages = [
        Message(
            id=f"msg_{number}",
            created_at=1,
            thread_id="thread_1",
            status="completed",
            role="user",
            content=[TextContent(text=TextValue(value=f"{number}"))],
        )
        for number in range(450)
    ]
    return Collection(
        files=[KeptFile(file=file, content=base64.b64encode(APPLES).decode())],
        vector_stores=[
            KeptStore(vector_store=store, files=[VectorStoreFile(**vector_stores.entry("vs_1", "file-1", None))])
        ],
        threads=[KeptThread(thread=Thread(id="thread_1", created_at=1), messages=messages)],
    )


async def test_an_interrupted_import_is_complete_when_it_is_run_again(tmp_path: Path) -> None:
    """The process is killed before each of its writes in turn, and the import is run again."""
    for writes in itertools.count():
        db = SQLiteDatabase.open(tmp_path / f"{writes}.db")
        mortal: Any = Mortal(db, writes)
        try:
            await transfer.put(mortal, collection(), "default")
            died = False
        except Died:
            died = True
            await transfer.put(db, collection(), "default")
        found = await transfer.take(db, "default", ["thread_1"])
        await db.close()
        assert base64.b64decode(found.files[0].content) == APPLES
        assert [entry.id for entry in found.vector_stores[0].files] == ["file-1"]
        assert [message.id for message in found.threads[0].messages] == [f"msg_{number}" for number in range(450)]
        if not died:
            break
    assert writes > 10
