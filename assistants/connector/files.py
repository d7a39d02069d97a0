"""Files: upload from a path, bytes or an iterator, and download as a stream."""

import asyncio
import os
import secrets
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Self, Unpack

import httpx

from assistants.connector.connection import Ask
from assistants.connector.exchange import Exchange, body, path
from assistants.connector.multipart import FileInput, Form, Source
from assistants.connector.options import FileListOptions, FileOptions
from assistants.connector.pages import Pages
from assistants.contract import LARGEST_FILE, CreateFile, Deleted, File, FilePurpose, FilesQuery


class Files:
    """`client.files`"""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def create(
        self,
        file: FileInput,
        *,
        purpose: FilePurpose = "assistants",
        filename: str | None = None,
        **options: Unpack[FileOptions],
    ) -> File:
        """Upload a file from a path, bytes or an asynchronous iterator of bytes; the latter two need a `filename`.

        An iterator can be read only once, so its request is never retried.
        """
        source = Source(file, name=filename)
        source.at_most(LARGEST_FILE)
        form = Form("file", source, body(CreateFile, {"purpose": purpose, **options}))
        return await self._exchange.create(File, "files", form)

    def list(self, **options: Unpack[FileListOptions]) -> Pages[File]:
        return Pages(self._exchange, File, "files", options, query=FilesQuery)

    async def retrieve(self, file_id: str) -> File:
        return await self._exchange.get(File, _path(file_id))

    async def delete(self, file_id: str) -> Deleted:
        """Delete a file, and remove it from every vector store."""
        return await self._exchange.delete(Deleted, _path(file_id))

    def content(self, file_id: str) -> "FileContent":
        """Download a file as a stream."""
        return FileContent(self._exchange, _path(file_id, "content"))


class FileContent:
    """The bytes of a file: `async with` it, then once `async for` over it, `read()` or `save()` it.

    An interrupted download raises `DisconnectedError`; the bytes so far are incomplete.
    """

    def __init__(self, exchange: Exchange, path: str) -> None:
        self._exchange = exchange
        self._path = path
        self._open = AsyncExitStack()
        self._response: httpx.Response | None = None

    async def __aenter__(self) -> Self:
        ask = Ask("GET", self._path, accept="*/*")
        self._response = await self._open.enter_async_context(self._exchange.stream(ask))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._open.aclose()

    @property
    def size(self) -> int | None:
        """Return the size, if the server states it and sends the bytes unencoded."""
        headers = self._opened.headers
        length = headers.get("content-length", "")
        return int(length) if length.isdigit() and "content-encoding" not in headers else None

    @property
    def media_type(self) -> str | None:
        """Return the media type stated by the server."""
        kind: str | None = self._opened.headers.get("content-type")
        return kind

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._chunks()

    async def read(self) -> bytes:
        """Read the whole file into memory."""
        return b"".join([chunk async for chunk in self])

    async def save(self, path: str | os.PathLike[str]) -> None:
        """Save to a file, which appears only once it is complete."""
        target = Path(path)
        part = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
        try:
            with await asyncio.to_thread(part.open, "xb") as file:
                async for chunk in self:
                    await asyncio.to_thread(file.write, chunk)
            await asyncio.to_thread(part.replace, target)
        finally:
            await asyncio.to_thread(part.unlink, missing_ok=True)

    @property
    def _opened(self) -> httpx.Response:
        if self._response is None:
            raise RuntimeError("The content of a file is read inside of its `async with`.")
        return self._response

    async def _chunks(self) -> AsyncGenerator[bytes, None]:
        with self._exchange.errors():
            async for chunk in self._opened.aiter_bytes():
                yield chunk


def _path(file_id: str, *rest: str) -> str:
    return path("files", "{file_id}", *rest, file_id=file_id)
