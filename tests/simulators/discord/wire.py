"""One gateway socket as bytes: JSON frames, compressed with one context for as long as the connection lives."""

import asyncio
import contextlib
import importlib
import json
import zlib
from collections.abc import Callable
from typing import Any

from aiohttp import WSCloseCode, web

Compress = Callable[[bytes], bytes]


class Wire:
    """What the simulator says over one socket. Frames leave in the order they were given."""

    def __init__(self, socket: web.WebSocketResponse, transport: asyncio.Transport | None, compression: str) -> None:
        self.socket = socket
        self._transport = transport
        self._compress = COMPRESSIONS[compression]() if compression else None
        self._turn = asyncio.Lock()
        self._is_lost = False

    async def send(self, op: int, data: Any = None, *, event: str | None = None, number: int | None = None) -> None:
        frame = json.dumps({"op": op, "d": data, "s": number, "t": event}, separators=(",", ":"))
        async with self._turn:
            with contextlib.suppress(ConnectionError):
                if not self._is_lost:
                    await self._send(frame)

    async def _send(self, frame: str) -> None:
        if self._compress is None:
            await self.socket.send_str(frame)
        else:
            await self.socket.send_bytes(self._compress(frame.encode()))

    async def close(self, code: int = WSCloseCode.OK, *, message: str = "") -> None:
        if self._is_lost:
            self.drop()
            return
        await self.socket.close(code=code, message=message.encode())

    def lose(self) -> None:
        """The network loses the connection, and tells neither side: nothing comes through any more."""
        self._is_lost = True
        if self._transport is not None:
            self._transport.pause_reading()

    def drop(self) -> None:
        """The connection breaks without a word."""
        if self._transport is not None:
            self._transport.abort()


def _zlib() -> Compress:
    context = zlib.compressobj()
    return lambda data: context.compress(data) + context.flush(zlib.Z_SYNC_FLUSH)


def _zstd() -> Compress:
    """From Python 3.14 on discord.py asks for it; before, when the package zstandard is installed."""
    try:
        context: Any = importlib.import_module("compression.zstd").ZstdCompressor()
        return lambda data: bytes(context.compress(data, context.FLUSH_BLOCK))
    except ImportError:
        zstandard: Any = importlib.import_module("zstandard")
        stream = zstandard.ZstdCompressor().compressobj()
        return lambda data: bytes(stream.compress(data) + stream.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK))


COMPRESSIONS: dict[str, Callable[[], Compress]] = {"zlib-stream": _zlib, "zstd-stream": _zstd}
