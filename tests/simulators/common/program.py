"""A simulator as a program of its own: it says where it is in one JSON line and runs until a signal comes."""

import argparse
import asyncio
import contextlib
import json
import signal
from collections.abc import Callable
from typing import Any, Protocol, TypeVar


class Simulator(Protocol):
    """A simulator's server, with a world that people and channels can be put into."""

    world: Any

    async def start(self, port: int) -> None: ...

    async def stop(self) -> None: ...


S = TypeVar("S", bound=Simulator)


def run(make: Callable[[], S], told: Callable[[S], dict[str, str]], description: str) -> None:
    """Read the command line and serve; `told` is what whoever started it needs to know, once it listens."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--port", type=int, default=0, help="0 picks a free one")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(make, told, parser.parse_args().port))


async def _serve(make: Callable[[], S], told: Callable[[S], dict[str, str]], port: int) -> None:
    server = make()
    await server.start(port)
    # A place to begin with, so that a person who opens the page can type at once.
    server.world.add_user("ada")
    server.world.add_user("grace")
    server.world.add_channel("general")
    print(json.dumps(told(server)), flush=True)  # noqa: T201 - whoever started it reads this line
    ended = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, ended.set)
    await ended.wait()
    await server.stop()
