"""`make sim`: Threadline beside a simulated Slack and a simulated Discord, all wired to each other, for play."""

import argparse
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from tests.processes import ROOT, python, told
from tests.simulators.discord import client as discord_client
from tests.simulators.slack import client as slack_client

# Kept between plays, so that the demo model is fetched once.
DATA = ROOT / ".cache" / "sim"


def main() -> int:
    parser = argparse.ArgumentParser(description="Threadline beside a simulated Slack and a simulated Discord.")
    parser.add_argument("--port", help="Threadline's port; PORT or its default otherwise")
    parser.add_argument("--slack-port", default="0", help="the simulated Slack's port; 0 picks a free one")
    parser.add_argument("--discord-port", default="0", help="the simulated Discord's port; 0 picks a free one")
    parser.add_argument("--data", default=str(DATA), help="Threadline's DATA_DIR")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, _end)
    _forget(Path(given.data))
    with (
        _farewell(),
        contextlib.suppress(KeyboardInterrupt),
        _platform("slack", given.slack_port) as slack,
        _platform("discord", given.discord_port) as discord,
    ):
        return _run_bot(
            ["--port", given.port] if given.port else [],
            slack_client.wiring(slack) | discord_client.wiring(discord) | {"DATA_DIR": given.data},
        )
    return 0


@contextlib.contextmanager
def _farewell() -> Iterator[None]:
    """Says that the simulation has ended, however it ended, because its pages stop working."""
    try:
        yield
    finally:
        print("The simulation has ended, and its workspaces with it; make sim starts empty ones", flush=True)  # noqa: T201


@contextlib.contextmanager
def _platform(name: str, port: str) -> Iterator[dict[str, Any]]:
    """One simulator, running; tells people where it is."""
    with python(f"tests.simulators.{name}", "--port", port) as process:
        where = told(process)
        print(f"{name.capitalize()}, simulated, is at {where['address']} (type there as somebody)", flush=True)  # noqa: T201
        yield where


def _run_bot(arguments: list[str], wiring: dict[str, str]) -> int:
    """The program itself, speaking for itself, until it ends; started again when somebody killed it to see."""
    program = Path(sys.executable).with_name("threadline")
    while True:
        bot = subprocess.Popen([program, "run", *arguments], env={**os.environ, **wiring})
        print(f"Threadline is process {bot.pid}; kill -9 it in the middle of an answer, if you like", flush=True)  # noqa: T201
        try:
            code = bot.wait()
        finally:
            bot.terminate()
            bot.wait()
        if code != -signal.SIGKILL:
            return code


def _forget(data: Path) -> None:
    """The simulated workspaces begin empty, so what was said in earlier ones is of no use."""
    for file in data.glob("threadline.db*"):
        file.unlink()


def _end(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
