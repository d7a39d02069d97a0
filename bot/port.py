"""The one port: bound before anything else, announced when it answers, closed last."""

import asyncio
import contextlib
import errno
import gc
import signal
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any

import click
import uvicorn
from starlette.types import ASGIApp

from bot.adapter import ConfigurationError
from bot.settings import Settings

GRACE = 3
SIGNALS = (signal.SIGINT, signal.SIGTERM)

Work = Callable[[], Coroutine[Any, Any, None]]
Word = Callable[[], None]


class Port:
    """A listening socket and the server behind it."""

    def __init__(self, sock: socket.socket, settings: Settings) -> None:
        self._socket = sock
        self._settings = settings

    @property
    def url(self) -> str:
        """The address a browser on this machine can open."""
        host = self._settings.host
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
        return f"http://{host}:{self._socket.getsockname()[1]}"

    @classmethod
    @contextlib.asynccontextmanager
    async def bind(cls, settings: Settings) -> AsyncIterator["Port"]:
        """Take the port. Raises `ConfigurationError` when it is busy or not ours to take."""
        try:
            sock = await asyncio.to_thread(_listening, settings.host, settings.port)
        except OSError as error:
            raise ConfigurationError(_why(error, settings)) from None
        with sock:
            yield cls(sock, settings)

    async def serve(
        self,
        asgi: ASGIApp,
        *,
        beside: Work | None = None,
        leave: Work | None = None,
        before_close: Word | None = None,
    ) -> None:
        """Answer requests, with `beside` running next to it, until a signal comes or `beside` fails.

        `leave` is what is left to do after the signal, while requests are still answered; a second signal ends it.
        """
        server = _Server(_config(asgi), self._announce, before_close)
        work = asyncio.create_task(_after(server.ready, beside)) if beside else None
        if work:
            work.add_done_callback(lambda _: server.leave())
        with _signals(server, leave):
            try:
                await server.serve(sockets=[self._socket])
            finally:
                if work:
                    work.cancel()
                    with contextlib.suppress(asyncio.CancelledError):
                        await work

    @contextlib.asynccontextmanager
    async def answering(self, asgi: ASGIApp, *, beside: Work, before_close: Word) -> AsyncIterator[None]:
        """Answer requests while the block runs; signals stay the block's own."""
        server = _Server(_config(asgi), lambda: None, before_close)
        async with asyncio.TaskGroup() as group:
            serving = group.create_task(server.serve(sockets=[self._socket]))
            work = group.create_task(_after(server.ready, beside))
            await server.ready.wait()
            try:
                yield
            finally:
                work.cancel()
                server.leave()
                await serving

    def _announce(self) -> None:
        calm_collector()
        click.echo(f"Threadline is at {self.url}")


def calm_collector() -> None:
    """Let the search for cycles cost little from now on; nearly everything dies by its count of references."""
    # What was loaded by now stays. Looking all of it over again would hold every answer up for a tenth of a second.
    gc.freeze()
    # By default it looks after every 700 objects, several times in a turn, and is a sixth of a turn's time.
    gc.set_threshold(10_000, 10, 10)


class _Server(uvicorn.Server):
    """uvicorn's server, saying when it answers and giving a word before it waits for open connections."""

    def __init__(
        self, config: uvicorn.Config, announce: Callable[[], None], before_close: Callable[[], None] | None
    ) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()
        self._announce = announce
        self._before_close = before_close

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._announce()
        self.ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to `Port`: uvicorn would raise them again, and end the process before it has cleaned up."""
        yield

    def leave(self) -> None:
        """Stop answering; said twice, without waiting for open connections."""
        self.force_exit = self.should_exit
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self._before_close:
            self._before_close()
        await super().shutdown(sockets)


@contextlib.contextmanager
def _signals(server: _Server, leave: Work | None) -> Iterator[None]:
    """The first signal lets the program leave in order; the next one lets it leave at once."""
    loop = asyncio.get_running_loop()
    leaving: list[asyncio.Task[None]] = []

    async def in_order() -> None:
        try:
            if leave:
                await leave()
        finally:
            server.leave()

    def heed() -> None:
        if not leaving:
            leaving.append(asyncio.create_task(in_order(), name="leave"))
            return
        leaving[0].cancel()
        server.leave()

    for sign in SIGNALS:
        loop.add_signal_handler(sign, heed)
    try:
        yield
    finally:
        for sign in SIGNALS:
            loop.remove_signal_handler(sign)
        for task in leaving:
            task.cancel()


def _config(asgi: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(asgi, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=GRACE)


async def _after(ready: asyncio.Event, beside: Work) -> None:
    await ready.wait()
    await beside()


def _why(error: OSError, settings: Settings) -> str:
    """Why the port cannot be had, and what to do."""
    port = f"{settings.port} of {settings.host}"
    if error.errno == errno.EADDRINUSE:
        return (
            f"Another program has port {port}, perhaps another Threadline: end it, or set PORT to another number"
            " (0 picks a free one)."
        )
    if error.errno == errno.EACCES:
        return f"Port {port} is not for everybody to take: set PORT to another number, above 1023."
    return f"Nothing can listen on {settings.host} here ({error.strerror}): set HOST to an address of this machine."


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With its protocol named the event loop sends small pieces at once; without, words wait for earlier ones' receipt.
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
        sock.listen(2048)
    except BaseException:
        sock.close()
        raise
    return sock
