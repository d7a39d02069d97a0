"""Streams multipart forms with a file from a path, bytes or an iterator of bytes."""

import asyncio
import mimetypes
import secrets
from collections.abc import AsyncIterable, AsyncIterator, Mapping
from os import PathLike
from pathlib import Path

import httpx

from assistants.connector.refusals import refused
from assistants.contract import Failure, Request, invalid, missing_parameter

_CHUNK = 256 * 1024
FileInput = str | PathLike[str] | bytes | AsyncIterable[bytes]


class Source:
    """The content of one file, and what is known of it before reading."""

    def __init__(self, content: FileInput, *, name: str | None) -> None:
        self._bytes = content if isinstance(content, bytes) else b""
        self._coming = content if isinstance(content, AsyncIterable) else None
        self._path = None if isinstance(content, bytes | AsyncIterable) else Path(content)
        self.name = name or (self._path.name if self._path else "")
        if not self.name:
            raise refused(missing_parameter("filename"))
        # An iterator can be read only once, and its size is unknown.
        self.repeatable = self._coming is None
        self.size = (self._path.stat().st_size if self._path else len(self._bytes)) if self.repeatable else None

    @property
    def type(self) -> str:
        return mimetypes.guess_type(self.name)[0] or "application/octet-stream"

    def at_most(self, limit: int, parameter: str = "file") -> None:
        """Refuse an oversized file before sending; the server would refuse it only after receiving all of it."""
        if self.size is not None and self.size > limit:
            raise refused(_too_large(parameter, limit, self.size))

    async def chunks(self) -> AsyncIterator[bytes]:
        if self._coming is not None:
            async for chunk in self._coming:
                yield chunk
        elif self._path is None:
            for start in range(0, len(self._bytes), _CHUNK):
                yield self._bytes[start : start + _CHUNK]
        else:
            with await asyncio.to_thread(self._path.open, "rb") as file:
                while chunk := await asyncio.to_thread(file.read, _CHUNK):
                    yield chunk


def _too_large(parameter: str, limit: int, size: int) -> Failure:
    why = f"file too large. Expected at most {limit} bytes, but got {size} bytes instead"
    return invalid(parameter, why, code="file_too_large")


class Form(httpx.AsyncByteStream):
    """A `multipart/form-data` body: the fields of a request and one file."""

    def __init__(self, parameter: str, source: Source, request: Request | None = None) -> None:
        self._boundary = secrets.token_hex(16)
        self._source = source
        fields = _flat(request.wire()) if request else {}
        self._head = b"".join(self._part(name) + value.encode() + b"\r\n" for name, value in fields.items())
        disposition = f'{_quoted(parameter)}"; filename="{_quoted(source.name)}'
        self._head += self._part(disposition, f"Content-Type: {source.type}\r\n")
        self._tail = f"\r\n--{self._boundary}--\r\n".encode()
        self.repeatable = source.repeatable

    @property
    def headers(self) -> dict[str, str]:
        headers = {"Content-Type": f"multipart/form-data; boundary={self._boundary}"}
        if self._source.size is not None:
            headers["Content-Length"] = str(len(self._head) + self._source.size + len(self._tail))
        return headers

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._head
        async for chunk in self._source.chunks():
            yield chunk
        yield self._tail

    def _part(self, name: str, more: str = "") -> bytes:
        return f'--{self._boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n{more}\r\n'.encode()


def _flat(fields: Mapping[str, object], within: str = "") -> dict[str, str]:
    """`{"expires_after": {"seconds": 3600}}` in form notation: `expires_after[seconds]`."""
    flat: dict[str, str] = {}
    for name, value in fields.items():
        path = f"{within}[{name}]" if within else name
        flat |= _flat(value, path) if isinstance(value, Mapping) else {} if value is None else {path: str(value)}
    return flat


def _quoted(name: str) -> str:
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
