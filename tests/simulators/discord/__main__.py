"""`python -m tests.simulators.discord --port 0`: runs the server and prints where it is as one JSON line."""

import argparse
import asyncio
import contextlib
import json
import signal

from tests.simulators.discord.server import Server
from tests.simulators.discord.world import APPLICATION, GUILD

TOKEN = "discord-simulator"


async def _serve(port: int) -> None:
    server = Server(token=TOKEN)
    await server.start(port)
    # A place to begin with, so that a person who opens the page can type at once.
    server.world.add_user("ada")
    server.world.add_user("grace")
    server.world.add_channel("general")
    told = {
        "address": server.address,
        "api": server.api,
        "gateway": f"{server.world.gateway}/gateway/",
        "token": TOKEN,
        "application": APPLICATION,
        "guild": GUILD,
    }
    print(json.dumps(told), flush=True)  # noqa: T201 - whoever started it reads this line
    ended = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, ended.set)
    await ended.wait()
    await server.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description="A Discord server on loopback.")
    parser.add_argument("--port", type=int, default=0, help="0 picks a free one")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(parser.parse_args().port))


if __name__ == "__main__":
    main()
