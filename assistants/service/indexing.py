"""Indexes files of vector stores in the background, one at a time."""

import asyncio
import json
import logging
import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice

from assistants.contract import Chunking, ChunkSizes, IndexingError, VectorStoreFile
from assistants.service import files, vector_stores
from assistants.service.meaning import Meaning
from assistants.service.reading.reader import Unreadable, text_of
from assistants.service.rows import from_row, to_row
from assistants.service.vector_stores import DEFAULT_SIZES
from storage import chunks, objects
from storage.database import Database, Row
from storage.text import storable

logger = logging.getLogger(__name__)

# Characters per token of ordinary text: chunk sizes are given in tokens, text is split by characters.
CHARACTERS = 4
LARGEST_FILE = 50 * 1024 * 1024
AT_ONCE = 40

_BREAKS = (re.compile(r"\n\s*\n"), re.compile(r"[.!?。]\s"), re.compile(r"\s"))


class Indexer:
    """One task that indexes all waiting files, then waits for more."""

    def __init__(self, db: Database, meaning: Meaning | None = None) -> None:
        self._db = db
        self._meaning = meaning
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="indexer")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    def wake(self) -> None:
        """Wake the task for a new file."""
        self._wake.set()

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            try:
                while rows := await chunks.due(self._db, 20):
                    for row in rows:
                        await self._index(row)
            except Exception:
                logger.exception("Indexing stopped; it goes on with the next file that is added")
            await self._wake.wait()

    async def _index(self, row: Row) -> None:
        file, error, size = from_row(VectorStoreFile, row), None, 0
        # Remove chunks left by an interrupted process.
        while await self._db.write(chunks.remove_chunks, vector_stores.ROWS, row["vector_store_id"], row["id"]):
            pass
        try:
            size = await self._cut(file)
        except Unreadable as unreadable:
            error = IndexingError(code=unreadable.code, message=str(unreadable))
        except Exception:
            logger.exception("File %s could not be indexed", row["id"])
            error = IndexingError(code="server_error", message="The server had an error while reading the file.")
        status = "failed" if error else "completed"
        done = file.model_copy(update={"status": status, "last_error": error, "usage_bytes": size})
        said = {name: to_row(done)[name] for name in ("status", "usage_bytes", "body")}
        if not await self._db.write(chunks.settle, row["vector_store_id"], row["id"], _with_attributes(row, said)):
            while await self._db.write(chunks.remove_chunks, vector_stores.ROWS, row["vector_store_id"], row["id"]):
                pass

    async def _cut(self, file: VectorStoreFile) -> int:
        """Store a file's chunks. Return their size in bytes. Raises `Unreadable`."""
        row = await objects.find(self._db, "files", file.id)
        if row is None:
            raise Unreadable("invalid_file", "The file was deleted.")
        if row["bytes"] > LARGEST_FILE:
            most = LARGEST_FILE // 1024 // 1024
            raise Unreadable("invalid_file", f"The file is too large to be searched: at most {most} MiB.")
        data = b"".join([piece async for piece in files.content(self._db, row)])
        text = storable(await text_of(data))
        pieces = enumerate(cut(text, _sizes(file.chunking_strategy)))
        size = 0
        while some := dict(await asyncio.to_thread(lambda: list(islice(pieces, AT_ONCE)))):
            if not await self._db.write(chunks.put_chunks, file.vector_store_id, file.id, some):
                break
            size += sum(len(piece.encode()) for piece in some.values())
        if self._meaning is not None:
            await self._meaning.learn(file.vector_store_id, file.id)
        return size


def _with_attributes(row: Row, said: dict[str, object]) -> dict[str, object]:
    """Write only indexing results: the attributes may have been changed in the meantime."""
    found = json.loads(str(said["body"]))
    body = {**json.loads(row["body"]), "last_error": found["last_error"]}
    return {**said, "body": json.dumps(body, ensure_ascii=False)}


def _sizes(chunking: Chunking | None) -> ChunkSizes:
    return chunking.static if chunking and chunking.static else DEFAULT_SIZES


def cut(text: str, sizes: ChunkSizes) -> Iterator[str]:
    """Split a text into overlapping chunks that end at a paragraph, sentence or word."""
    longest, overlap = sizes.max_chunk_size_tokens * CHARACTERS, sizes.chunk_overlap_tokens * CHARACTERS
    start = 0
    while start < len(text):
        end = _end(text, start, longest)
        if piece := text[start:end].strip():
            yield piece
        if end >= len(text):
            return
        start = max(end - overlap, start + 1)


def _end(text: str, start: int, longest: int) -> int:
    end = start + longest
    if end >= len(text):
        return len(text)
    # Only in the last quarter, or chunks would become too small.
    earliest = end - longest // 4
    for break_ in _BREAKS:
        if places := [found.end() for found in break_.finditer(text, earliest, end)]:
            return places[-1]
    return end
