"""Processes that fork from one which has imported the program: importing is most of what a start costs."""

import multiprocessing
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TextIO

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    [
        "tests.proofs.launcher",
        "bot.cli",
        "bot.app",
        "adapters.console",
        "adapters.web",
        "adapters.slack.listen",
        "adapters.discord.gateway",
        "assistants.service.asgi_transport",
    ]
)


class Child:
    """A process with `subprocess.Popen`'s methods. `stdout` is what it says, on standard error too."""

    def __init__(self, program: Callable[[], None], env: Mapping[str, str], cwd: Path) -> None:
        reading, writing = _CONTEXT.Pipe(duplex=False)
        self._process = _CONTEXT.Process(target=_main, args=(program, dict(env), str(cwd), writing))
        self._process.start()
        writing.close()
        self.pid = self._process.pid or 0
        self.stdout: TextIO | None = open(os.dup(reading.fileno()), encoding="utf-8", errors="replace")  # noqa: SIM115
        reading.close()
        # Only one thread may ask for the exit code.
        self._ended = threading.Thread(target=self._process.join, daemon=True)
        self._ended.start()

    def poll(self) -> int | None:
        return None if self._ended.is_alive() else self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._ended.join(timeout)
        code = self.poll()
        if code is None:
            raise subprocess.TimeoutExpired("a forked program", timeout or 0.0)
        return code

    def send_signal(self, sig: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, sig)

    def kill(self) -> None:
        self._process.kill()


def _main(program: Callable[[], None], env: dict[str, str], cwd: str, writing: Connection) -> None:
    os.setsid()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(writing.fileno(), 1)
    os.dup2(writing.fileno(), 2)
    writing.close()
    streams: Any = (sys.stdout, sys.stderr)
    for stream in streams:
        stream.reconfigure(line_buffering=True)
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    program()
