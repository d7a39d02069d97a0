"""`python -m tests.simulators.slack --port 0`: runs the workspace and prints where it is as one JSON line."""

import argparse
import asyncio
import contextlib
import json
import signal

from tests.simulators.slack.server import Server

BOT_TOKEN = "xoxb-simulator"
APP_TOKEN = "xapp-simulator"


async def _serve(port: int) -> None:
    server = Server(bot_token=BOT_TOKEN, app_token=APP_TOKEN)
    await server.start(port)
    # A place to begin with, so that a person who opens the page can type at once.
    server.world.add_user("ada")
    server.world.add_user("grace")
    server.world.add_channel("general")
    told = {"address": server.address, "api": f"{server.address}/api/", "bot_token": BOT_TOKEN, "app_token": APP_TOKEN}
    print(json.dumps(told), flush=True)  # noqa: T201 - whoever started it reads this line
    ended = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, ended.set)
    await ended.wait()
    await server.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description="A Slack workspace on loopback.")
    parser.add_argument("--port", type=int, default=0, help="0 picks a free one")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(parser.parse_args().port))


if __name__ == "__main__":
    main()
