"""Small real servers on loopback that answer as told, well or badly."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

CHAT = "/v1/chat/completions"
MODELS = "/v1/models"
TLS = b"\x16"
NOWHERE = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"


def answer(body: str | bytes, *, status: str = "200 OK", kind: str = "application/json", more: str = "") -> bytes:
    data = body.encode() if isinstance(body, str) else body
    head = (
        f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {len(data)}\r\n{more}connection: close\r\n\r\n"
    )
    return head.encode() + data


def refusal(status: str, error: Any, *, more: str = "") -> bytes:
    return answer(json.dumps({"error": error}), status=status, more=more)


def models(*names: str) -> bytes:
    return answer(json.dumps({"object": "list", "data": [{"id": name, "object": "model"} for name in names]}))


def stream(*chunks: Any) -> bytes:
    events = [json.dumps(chunk) for chunk in chunks]
    return answer("".join(f"data: {event}\n\n" for event in [*events, "[DONE]"]), kind="text/event-stream")


def delta(**parts: Any) -> dict[str, Any]:
    return {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": parts, "finish_reason": None}]}


SPEAKS = stream(delta(role="assistant", content=None), delta(content="OK"))


@dataclass
class Server:
    """Where it listens and what it was asked: (path, headers in small letters, body)."""

    port: int
    heard: asyncio.Event = field(default_factory=asyncio.Event)
    asked: list[tuple[str, str, bytes]] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@asynccontextmanager
async def serving(
    answers: Mapping[str, bytes | None], *, otherwise: bytes | None = NOWHERE, stalling: str = ""
) -> AsyncIterator[Server]:
    """Answers each path with raw bytes, the `stalling` one with half of them; None is silence until one leaves."""

    async def accept() -> None:
        # Not asyncio.start_server: it loses a connection that it is accepting while it is closed.
        while not closing.is_set():
            connection, _ = await loop.sock_accept(listener)
            connections.append(asyncio.create_task(until_closed(connection)))

    async def until_closed(connection: socket.socket) -> None:
        reader, writer = await asyncio.open_connection(sock=connection)
        writers.add(writer)
        if closing.is_set():
            writer.transport.abort()
        # The asker may have heard enough.
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await one(reader, writer)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        writers.discard(writer)

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = await reader.readexactly(1)
        if first == TLS:
            writer.write(answer("", status="400 Bad Request"))
            return
        head = (first + await reader.readuntil(b"\r\n\r\n")).decode()
        path = head.split()[1]
        length = next((int(line.split(":")[1]) for line in head.lower().splitlines() if "content-length" in line), 0)
        server.asked.append((path, head.lower(), await reader.readexactly(length)))
        server.heard.set()
        raw = answers.get(path, otherwise)
        if raw is None:
            await reader.read()
            return
        writer.write(raw[: len(raw) // 2] if path == stalling else raw)
        await writer.drain()
        if path == stalling:
            await reader.read()

    loop, closing = asyncio.get_running_loop(), asyncio.Event()
    connections: list[asyncio.Task[None]] = []
    writers: set[asyncio.StreamWriter] = set()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        server = Server(listener.getsockname()[1])
        accepting = asyncio.create_task(accept())
        try:
            yield server
        finally:
            closing.set()
            for writer in writers:
                writer.transport.abort()
            socket.create_connection(listener.getsockname()).close()
            await accepting
            await asyncio.gather(*connections)


async def closed_port() -> int:
    """A port at which nobody listens any more."""
    async with serving({}) as server:
        return server.port
