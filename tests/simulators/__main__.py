"""`make sim`: Threadline beside a simulated Slack, wired to each other, for anyone to play with."""

import argparse
import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType

from tests.processes import ROOT, python, told

# Kept between plays, so that the demo model is fetched once.
DATA = ROOT / ".cache" / "sim"


def main() -> int:
    parser = argparse.ArgumentParser(description="Threadline beside a simulated Slack.")
    parser.add_argument("--port", help="Threadline's port; PORT or its default otherwise")
    parser.add_argument("--slack-port", default="0", help="the simulator's port; 0 picks a free one")
    parser.add_argument("--data", default=str(DATA), help="Threadline's DATA_DIR")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, _end)
    with contextlib.suppress(KeyboardInterrupt), python("tests.simulators.slack", "--port", given.slack_port) as slack:
        where = told(slack)
        print(f"Slack, simulated, is at {where['address']} (type there as somebody of the workspace)", flush=True)  # noqa: T201
        wiring = {
            "SLACK_BOT_TOKEN": where["bot_token"],
            "SLACK_APP_TOKEN": where["app_token"],
            "SLACK_API_BASE_URL": where["api"],
            "DATA_DIR": given.data,
        }
        return _run_bot(["--port", given.port] if given.port else [], wiring)
    return 0


def _run_bot(arguments: list[str], wiring: dict[str, str]) -> int:
    """The program itself, speaking for itself, until it ends."""
    program = Path(sys.executable).with_name("threadline")
    bot = subprocess.Popen([program, "run", *arguments], env={**os.environ, **wiring})
    try:
        return bot.wait()
    finally:
        bot.terminate()
        bot.wait()


def _end(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
