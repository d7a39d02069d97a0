"""Threadline's one port: bound before anything else, announced once it answers, closed last."""

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
        """Bind the port. Raises `ConfigurationError` if it is busy or may not be used."""
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
        background: Work | None = None,
        leave: Work | None = None,
        before_close: Word | None = None,
    ) -> None:
        """Answer requests and run `background` until a signal comes or `background` fails.

        `leave` runs after the signal, while requests are still answered; a second signal cancels it.
        """
        server = _Server(_config(asgi), self._announce, before_close)
        work = asyncio.create_task(_after(server.ready, background)) if background else None
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
    async def answering(self, asgi: ASGIApp, *, background: Work, before_close: Word) -> AsyncIterator[None]:
        """Answer requests while the block runs. Signals are left to the block."""
        server = _Server(_config(asgi), lambda: None, before_close)
        async with asyncio.TaskGroup() as group:
            serving = group.create_task(server.serve(sockets=[self._socket]))
            work = group.create_task(_after(server.ready, background))
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
    """Make the cyclic garbage collector cheap from now on; reference counts free nearly everything."""
    # Objects loaded so far are kept for good. Scanning them would delay answers by a tenth of a second each time.
    gc.freeze()
    # By default it runs after every 700 objects, several times in a turn, and takes a sixth of a turn's time.
    gc.set_threshold(10_000, 10, 10)


class _Server(uvicorn.Server):
    """uvicorn's server, with an event once it answers and a callback before it waits for open connections."""

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
        """Leave signals to `Port`: uvicorn would raise them again and end the process before its cleanup."""
        yield

    def leave(self) -> None:
        """Stop answering; the second call does not wait for open connections."""
        self.force_exit = self.should_exit
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self._before_close:
            self._before_close()
        await super().shutdown(sockets)


@contextlib.contextmanager
def _signals(server: _Server, leave: Work | None) -> Iterator[None]:
    """The first signal shuts down gracefully, the second one at once."""
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


async def _after(ready: asyncio.Event, work: Work) -> None:
    await ready.wait()
    await work()


def _why(error: OSError, settings: Settings) -> str:
    """Why the port cannot be used, and what to do."""
    port = f"{settings.port} of {settings.host}"
    if error.errno == errno.EADDRINUSE:
        return (
            f"Another program uses port {port}, perhaps another Threadline: stop it, or set PORT to another number"
            " (0 picks a free one)."
        )
    if error.errno == errno.EACCES:
        return f"Port {port} needs privileges: set PORT to a number above 1023."
    return f"Cannot listen on {settings.host} ({error.strerror}): set HOST to an address of this machine."


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio sets TCP_NODELAY only on a socket made with this protocol; otherwise small pieces wait for earlier acks.
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
        sock.listen(2048)
    except BaseException:
        sock.close()
        raise
    return sock
