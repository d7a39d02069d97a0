"""Imports objects of another server under their original ids, and exports this server's objects.

An object's contents are written before the object itself, so that an interrupted import is simply repeated.
"""

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from assistants.contract import (
    Assistant,
    Collection,
    File,
    KeptFile,
    KeptStore,
    KeptThread,
    Message,
    Reason,
    Thread,
    VectorStore,
    VectorStoreFile,
    Wire,
)
from assistants.service import files, references, store, vector_stores
from assistants.service.rows import TABLES, from_row, now, to_row
from storage import blobs, objects
from storage.database import Database, Reader, Transaction

W = TypeVar("W", bound=Wire)


@dataclass
class Report:
    """Counts of imported and already present objects, by kind, and sentences on missing ones."""

    came: dict[str, int] = field(default_factory=dict)
    here: dict[str, int] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)

    def count(self, kind: type[Wire], *, new: bool) -> None:
        counts, name = (self.came if new else self.here), store.NAMES[kind]
        counts[name] = counts.get(name, 0) + 1


async def put(db: Database, collection: Collection, project: str) -> Report:
    """Import everything that is not here yet. Existing objects are left unchanged."""
    report = Report()
    for kept_file in collection.files:
        report.count(File, new=await _put_file(db, kept_file, project))
    for kept_store in collection.vector_stores:
        report.count(VectorStore, new=await _put_store(db, kept_store, project))
    for assistant in collection.assistants:
        report.count(Assistant, new=await db.write(_put, assistant, project))
    for kept_thread in collection.threads:
        report.count(Thread, new=await _put_thread(db, kept_thread, project))
    for kind, ids in ((VectorStore, collection.stores_named()), (File, collection.files_named())):
        for id_ in sorted(ids):
            if await objects.find(db, TABLES[kind], id_, project) is None:
                report.missing.append(f"{store.NAMES[kind]} {id_} is named, but did not come over".capitalize())
    return report


async def take(db: Reader, project: str, threads: Sequence[str]) -> Collection:
    """Export all assistants, vector stores and files of a project, and the given threads."""
    kept_stores = []
    for vector_store in await _every(db, VectorStore, project=project):
        entries = await _every(db, VectorStoreFile, vector_store_id=vector_store.id)
        kept_stores.append(KeptStore(vector_store=vector_store, files=entries))
    kept_files = []
    for row in await _rows(db, File, project=project):
        data = b"".join([piece async for piece in files.content(db, row)])
        kept_files.append(KeptFile(file=from_row(File, row), content=base64.b64encode(data).decode()))
    return Collection(
        assistants=await _every(db, Assistant, project=project),
        vector_stores=kept_stores,
        files=kept_files,
        threads=[kept for id_ in threads if (kept := await _thread(db, id_, project))],
    )


async def _thread(db: Reader, id_: str, project: str) -> KeptThread | None:
    row = await objects.find(db, "threads", id_, project)
    if row is None:
        return None
    return KeptThread(thread=from_row(Thread, row), messages=await _every(db, Message, thread_id=id_))


async def _every(db: Reader, kind: type[W], **where: str) -> list[W]:
    return [from_row(kind, row) for row in await _rows(db, kind, **where)]


async def _rows(db: Reader, kind: type[Wire], **where: str) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    after: str | None = None
    while True:
        page = await objects.page(db, TABLES[kind], objects.Window(100, "asc", after), **where)
        rows += page.rows
        if not page.more:
            return rows
        after = page.rows[-1]["id"]


def _put(tx: Transaction, thing: Wire, project: str) -> bool:
    if store.get(tx, type(thing), thing.id):  # type: ignore[attr-defined]
        return False
    store.add(tx, thing, project=project)
    return True


async def _put_file(db: Database, kept: KeptFile, project: str) -> bool:
    if await objects.find(db, "files", kept.file.id):
        return False
    await files.forget_bytes(db, kept.file.id)
    data = base64.b64decode(kept.content)
    for number, start in enumerate(range(0, len(data), blobs.PIECE)):
        await db.write(blobs.put, kept.file.id, number, data[start : start + blobs.PIECE])
    file = kept.file.model_copy(update={"bytes": len(data)})
    body = {**json.loads(to_row(file)["body"]), "_sources": [file.id]}
    row = to_row(file, project=project) | {"body": json.dumps(body, ensure_ascii=False)}
    await db.write(lambda tx: tx.insert("files", row))
    return True


async def _put_store(db: Database, kept: KeptStore, project: str) -> bool:
    """Import a vector store, whose files are indexed again."""
    vector_store = vector_stores.used(kept.vector_store, now()).model_copy(update={"status": "completed"})
    if await objects.find(db, "vector_stores", vector_store.id):
        return False
    have = [file for file in kept.files if await objects.find(db, "files", file.id)]
    entries = [
        file.model_copy(
            update={"status": "in_progress", "usage_bytes": 0, "last_error": None, "vector_store_id": vector_store.id}
        )
        for file in have
    ]
    await _in_pieces(db, entries, lambda tx, some: references.put_files(tx, some))
    return await db.write(_put, vector_store, project)


async def _put_thread(db: Database, kept: KeptThread, project: str) -> bool:
    id_ = kept.thread.id
    if await objects.find(db, "threads", id_):
        return False
    while await db.write(objects.remove_children, id_, vector_stores.ROWS):
        pass
    messages = [_ended(message, id_) for message in kept.messages]
    await _in_pieces(db, messages, lambda tx, some: store.add(tx, *some))
    return await db.write(_put, kept.thread, project)


def _ended(message: Message, thread_id: str) -> Message:
    """Return the message, marked incomplete if a run was still writing it on the other server."""
    if message.status != "in_progress":
        return message.model_copy(update={"thread_id": thread_id})
    cut = {"status": "incomplete", "incomplete_details": Reason(reason="run_cancelled"), "incomplete_at": now()}
    return message.model_copy(update={**cut, "thread_id": thread_id})


async def _in_pieces(db: Database, things: Sequence[W], job: Callable[[Transaction, Sequence[W]], None]) -> None:
    for start in range(0, len(things), vector_stores.ROWS):
        await db.write(job, things[start : start + vector_stores.ROWS])
