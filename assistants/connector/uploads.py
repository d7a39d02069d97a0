"""Files too large for one request, sent in parts."""

import asyncio
import contextlib
import hashlib
import mimetypes
import os
from pathlib import Path
from typing import BinaryIO, Unpack

from assistants.connector.errors import AssistantsError
from assistants.connector.exchange import Exchange, body, path
from assistants.connector.multipart import Form, Source
from assistants.connector.options import FileOptions
from assistants.contract import LARGEST_PART, CompleteUpload, CreateUpload, Upload, UploadPart, UploadPurpose

_AT_ONCE = 4


class Uploads:
    """`client.uploads`"""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def create(
        self,
        *,
        filename: str,
        bytes: int,  # noqa: A002 - the API's name
        mime_type: str,
        purpose: UploadPurpose = "assistants",
        **options: Unpack[FileOptions],
    ) -> Upload:
        """Start an upload of `bytes` bytes; it must be completed within an hour."""
        fields = {"filename": filename, "bytes": bytes, "mime_type": mime_type, "purpose": purpose, **options}
        return await self._exchange.create(Upload, "uploads", body(CreateUpload, fields))

    async def add_part(self, upload_id: str, data: bytes) -> UploadPart:
        """Send a part of at most 64 MB; several may be sent concurrently."""
        source = Source(data, name="part")
        source.at_most(LARGEST_PART, "data")
        return await self._exchange.create(UploadPart, _path(upload_id, "parts"), Form("data", source))

    async def complete(self, upload_id: str, *, part_ids: list[str], md5: str | None = None) -> Upload:
        """Create the file from its parts, in this order; the result has it as `file`."""
        fields = {"part_ids": part_ids} if md5 is None else {"part_ids": part_ids, "md5": md5}
        return await self._exchange.create(Upload, _path(upload_id, "complete"), body(CompleteUpload, fields))

    async def cancel(self, upload_id: str) -> Upload:
        return await self._exchange.post(Upload, _path(upload_id, "cancel"))

    async def upload(
        self,
        file: str | os.PathLike[str],
        *,
        purpose: UploadPurpose = "assistants",
        mime_type: str | None = None,
        part_size: int = LARGEST_PART,
        **options: Unpack[FileOptions],
    ) -> Upload:
        """Upload a whole file in parts, a few at a time, with a checksum; the upload is cancelled on failure."""
        source = Path(file)
        size = (await asyncio.to_thread(source.stat)).st_size
        kind = mime_type or mimetypes.guess_type(source.name)[0] or "application/octet-stream"
        upload = await self.create(filename=source.name, bytes=size, mime_type=kind, purpose=purpose, **options)
        try:
            with await asyncio.to_thread(source.open, "rb") as opened:
                return await self._send(upload.id, opened, part_size)
        except BaseException:
            with contextlib.suppress(AssistantsError):
                await self.cancel(upload.id)
            raise

    async def _send(self, upload_id: str, file: BinaryIO, part_size: int) -> Upload:
        digest, sending = hashlib.md5(usedforsecurity=False), list[asyncio.Task[UploadPart]]()
        room = asyncio.Semaphore(_AT_ONCE)

        async def add(data: bytes) -> UploadPart:
            try:
                return await self.add_part(upload_id, data)
            finally:
                room.release()

        try:
            async with asyncio.TaskGroup() as group:
                while data := await asyncio.to_thread(file.read, part_size):
                    digest.update(data)
                    await room.acquire()
                    sending.append(group.create_task(add(data)))
        except BaseExceptionGroup as failed:
            raise failed.exceptions[0] from None
        part_ids = [task.result().id for task in sending]
        return await self.complete(upload_id, part_ids=part_ids, md5=digest.hexdigest())


def _path(upload_id: str, action: str) -> str:
    return path("uploads", "{upload_id}", action, upload_id=upload_id)
