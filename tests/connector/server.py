"""A real HTTP server that says, byte for byte, what a test tells it to, however badly that is."""

import asyncio
import json
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Answer:
    """One answer. Without a length, its end is the end of the connection; `held` keeps the connection open instead."""

    status: int = 200
    body: bytes | Sequence[bytes] = b""
    headers: dict[str, str] = field(default_factory=dict)
    length: int | None = None
    held: bool = False

    def chunks(self) -> Sequence[bytes]:
        return [self.body] if isinstance(self.body, bytes) else self.body


@dataclass(frozen=True)
class Asked:
    """One request as it came over the socket."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: Any
    raw: bytes = b""
    target: str = ""


def js(value: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    body = json.dumps(value).encode()
    return Answer(status, body, {"content-type": "application/json", **(headers or {})}, length=len(body))


def refusal(status: int, message: str, *, code: str | None = None, param: str | None = None) -> Answer:
    error = {"message": message, "type": "invalid_request_error", "param": param, "code": code}
    return js({"error": error}, status=status, headers={"x-request-id": "req_1"})


def page(status: int, html: str, *, kind: str = "text/html") -> Answer:
    body = html.encode()
    return Answer(status, body, {"content-type": kind}, length=len(body))


def sse(*chunks: bytes | str, held: bool = False) -> Answer:
    body = [chunk.encode() if isinstance(chunk, str) else chunk for chunk in chunks]
    return Answer(body=body, headers={"content-type": "text/event-stream; charset=utf-8"}, held=held)


class Server:
    """Gives its answers in order, or as `answers_by` has it; `None` hangs up. `asked` is everything it was asked."""

    def __init__(self, *, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self.answers: list[Answer | None] = []
        self.answers_by: Callable[[Asked], Answer | None] | None = None
        self.asked: list[Asked] = []
        self.gone = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        assert self._server is not None
        scheme = "https" if self._tls else "http"
        return f"{scheme}://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1"

    def will(self, *answers: Answer | None) -> None:
        self.answers.extend(answers)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while (head := await reader.readuntil(b"\r\n\r\n")) and await self._answer(head, reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            self.gone.set()
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _answer(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        first, *lines = head.decode().rstrip().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        raw = await _raw(reader, headers)
        method, target, _ = first.split(" ")
        url = urlsplit(target)
        self.asked.append(Asked(method, url.path, parse_qs(url.query), headers, _body(raw, headers), raw, target))
        answer = self.answers_by(self.asked[-1]) if self.answers_by else self.answers.pop(0)
        if answer is None:
            return False
        await _write(answer, writer)
        if answer.held:
            await reader.readexactly(1)
        return answer.length is not None


async def _raw(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> bytes:
    if headers.get("transfer-encoding") != "chunked":
        return await reader.readexactly(int(headers.get("content-length", 0)))
    raw = b""
    while size := int(await reader.readline(), 16):
        raw += (await reader.readexactly(size + 2))[:-2]
    await reader.readline()
    return raw


def _body(raw: bytes, headers: Mapping[str, str]) -> Any:
    """JSON, or a form as its fields by name."""
    kind = headers.get("content-type", "")
    if not kind.startswith("multipart/form-data"):
        return json.loads(raw) if raw else None
    form = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {kind}\r\n\r\n".encode() + raw)
    return {
        part.get_param("name", header="content-disposition"): bytes(part.get_payload(decode=True)).decode()
        for part in form.iter_parts()
    }


async def _write(answer: Answer, writer: asyncio.StreamWriter) -> None:
    headers = dict(answer.headers)
    if answer.length is None:
        headers["connection"] = "close"
    else:
        headers["content-length"] = str(answer.length)
    lines = [f"HTTP/1.1 {answer.status} Said", *(f"{name}: {value}" for name, value in headers.items())]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    for chunk in answer.chunks():
        writer.write(chunk)
        await writer.drain()
