"""Our own service as a program that can be killed, and a way to it on which answers are lost after they came."""

import socket
from collections.abc import Callable
from pathlib import Path

import httpx

from assistants.connector.transport import default_transport
from tests.processes import Process, threadline
from tests.scripted import connecting

KEY = "sk-ours"


class Losing(httpx.AsyncBaseTransport):
    """The way to the service, on which the answers to the next `losses` creating requests are lost after they came."""

    def __init__(self) -> None:
        self.losses = 0
        self.lost: Callable[[], None] = lambda: None
        self.seen: list[bytes] = []
        self._way = default_transport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._way.handle_async_request(request)
        if request.method == "POST" and self.losses:
            self.losses -= 1
            self.seen.append(await response.aread())
            await response.aclose()
            self.lost()
            raise httpx.ReadError("lost")
        return response

    async def aclose(self) -> None:
        await self._way.aclose()


class Service:
    """`threadline serve` at one address, which can be killed and started again."""

    def __init__(self, model_address: str, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = str(free.getsockname()[1])
        self._env = {"PORT": port, "THREADLINE_API_KEYS": KEY, **connecting(model_address)}
        self._folder = folder
        self.url = f"http://127.0.0.1:{port}/v1"
        self.start()

    def start(self) -> None:
        self.program: Process = threadline("serve", env=self._env, cwd=self._folder)
        self.program.line("Threadline is at ")

    def restart(self) -> None:
        self.program.kill()
        self.start()
