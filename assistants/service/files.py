"""Stores and streams files, and converts pictures for models."""

import asyncio
import base64
import hashlib
import json
from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from assistants.contract import (
    LARGEST_FILE,
    CompleteUpload,
    CreateFile,
    Failure,
    File,
    Upload,
    UploadPart,
    invalid,
    no_such,
)
from assistants.service import store, vector_stores
from assistants.service.access import Access
from assistants.service.pieces import ModelError
from assistants.service.refusals import Refused
from assistants.service.rows import from_row, new_id, now, to_row
from storage import blobs, chunks, objects
from storage.database import Database, Reader, Row, Transaction

# The largest picture sent to a model.
LARGEST_PICTURE = 20 * 1024 * 1024
UPLOAD_SECONDS = 3_600

_PICTURES = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF8": "image/gif",
    b"RIFF": "image/webp",
}


class Source(Protocol):
    """A source of bytes, such as a file in a form."""

    async def read(self, size: int = -1) -> bytes: ...


async def take_in(db: Database, id_: str, source: Source, largest: int) -> int:
    """Store the bytes of a source under an id. Return their number. Refuses a source that is too large."""
    size = number = 0
    while data := await source.read(blobs.PIECE):
        size += len(data)
        if size > largest:
            await forget_bytes(db, id_)
            raise Refused(too_large(largest))
        await db.write(blobs.put, id_, number, data)
        number += 1
    return size


async def forget_bytes(db: Database, id_: str) -> None:
    while await db.write(blobs.remove, id_):
        pass


async def create(access: Access, asked: CreateFile, filename: str, source: Source) -> File:
    """Create a file from a source."""
    id_, made = new_id("file", joint="-"), now()
    size = await take_in(access.db, id_, source, LARGEST_FILE)
    expiry = {"expires_at": made + asked.expires_after.seconds} if asked.expires_after else {}
    file = File(id=id_, bytes=size, created_at=made, filename=filename, purpose=asked.purpose, **expiry)
    try:
        await access.asking(filename, size).once(lambda _: file, add, file, [id_], access.project)
    except Exception:
        await forget_bytes(access.db, id_)
        raise
    return file


async def complete(access: Access, upload: Upload, asked: CompleteUpload) -> Upload:
    """Create a file from an upload's parts, in the requested order."""
    parts = [await _part(access, upload.id, id_) for id_ in asked.part_ids]
    size = sum(part["bytes"] for part in parts)
    if size != upload.bytes:
        why = f"the parts have {size} bytes together, but the upload was to have {upload.bytes}"
        raise Refused(invalid("part_ids", why))
    if asked.md5 and asked.md5.lower() != await _md5(access.db, asked.part_ids):
        raise Refused(invalid("md5", "it differs from the checksum of the parts"))
    body = json.loads((await access.row(Upload, upload.id))["body"])
    made = now()
    seconds = body.get("_file_seconds")
    expiry = {"expires_at": made + seconds} if seconds else {}
    id_ = new_id("file", joint="-")
    file = File(id=id_, bytes=size, created_at=made, filename=upload.filename, purpose=upload.purpose, **expiry)
    done = upload.model_copy(update={"status": "completed", "file": file})
    await access.once(lambda _: done, _complete, done, file, asked.part_ids, access.project)
    return done


async def delete(db: Database, row: Row) -> bool:
    """Delete a file with its bytes, and remove it from every vector store. Return False if it was already deleted."""
    if not await db.write(objects.remove, "files", row["id"]):
        return False
    for store_id in await chunks.holding(db, row["id"]):
        await db.write(chunks.remove_file, store_id, row["id"])
        while await db.write(chunks.remove_chunks, vector_stores.ROWS, store_id, row["id"]):
            pass
    for id_ in sources(row):
        await db.write(objects.remove, "upload_parts", id_)
        await forget_bytes(db, id_)
    return True


def sources(row: Row) -> list[str]:
    """Return the ids under which a file's bytes are stored."""
    ids: list[str] = json.loads(row["body"])["_sources"]
    return ids


def content(db: Reader, row: Row) -> AsyncIterator[bytes]:
    return blobs.read(db, sources(row))


async def picture(db: Reader, file_id: str) -> str | None:
    """Return a picture as a data URL, None if deleted. Raises `ModelError` for a format that models cannot read."""
    row = await objects.find(db, "files", file_id)
    if row is None or (row["expires_at"] or now() + 1) <= now():
        return None
    if row["bytes"] > LARGEST_PICTURE:
        megabytes = LARGEST_PICTURE // (1024 * 1024)
        raise ModelError(f"{row['filename']} is too large to be shown: at most {megabytes} MB.", code="invalid_prompt")
    data = b"".join([piece async for piece in content(db, row)])
    kind = next((kind for magic, kind in _PICTURES.items() if data.startswith(magic)), None)
    if kind is None:
        sentence = f"{row['filename']} is no picture that models read; send PNG, JPEG, GIF or WebP."
        raise ModelError(sentence, code="invalid_prompt")
    text = await asyncio.to_thread(base64.b64encode, data)
    return f"data:{kind};base64,{text.decode()}"


def too_large(largest: int) -> Failure:
    return Failure(413, f"The file is too large: at most {largest} bytes can be taken.", code="file_too_large")


def add(tx: Transaction, /, file: File, ids: Sequence[str], project: str, **columns: str | None) -> None:
    """Record a file whose bytes are stored under these ids."""
    row = to_row(file, project=project, **columns)
    body = {**json.loads(row["body"]), "_sources": list(ids)}
    tx.insert("files", {**row, "body": json.dumps(body, ensure_ascii=False)})


def _complete(tx: Transaction, done: Upload, file: File, ids: Sequence[str], project: str) -> None:
    row = objects.get(tx, "uploads", done.id, project)
    if row is None:
        raise Refused(no_such("upload", done.id))
    expect_pending(from_row(Upload, row))
    store.replace(tx, done)
    add(tx, file, ids, project)


def expect_pending(upload: Upload) -> None:
    if upload.status == "pending" and upload.expires_at <= now():
        raise Refused(Failure(400, f"Upload {upload.id} has expired.", code="upload_expired"))
    if upload.status != "pending":
        raise Refused(Failure(400, f"Upload {upload.id} is {upload.status} and takes no more parts."))


async def _part(access: Access, upload_id: str, id_: str) -> Row:
    return await access.row(UploadPart, id_, upload_id=upload_id)


async def _md5(db: Reader, ids: Sequence[str]) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    async for piece in blobs.read(db, ids):
        digest.update(piece)
    return digest.hexdigest()
