"""Programs that tests start beside themselves: each told where it is by its first words, each ended by its own id."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from bot.cli import main
from tests.forked import Child

ROOT = Path(__file__).parent.parent
# Seconds. A slow machine is no failure; what never comes is one.
PATIENCE = 240.0


class Process:
    """A running program. `output` is what it has said so far on standard output and standard error."""

    def __init__(
        self,
        *command: str,
        env: Mapping[str, str] | None = None,
        cwd: Path = ROOT,
        forks: Callable[[], None] | None = None,
    ) -> None:
        """Run a command, or a function in a process that `forks` from one which has imported the program."""
        env = {**os.environ, "PYTHONUNBUFFERED": "1", **(env or {})}
        self._popen: subprocess.Popen[str] | Child
        if forks is not None:
            self._popen = Child(forks, env, cwd)
        else:
            self._popen = subprocess.Popen(
                command,
                env=env,
                cwd=cwd,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                text=True,
                start_new_session=True,  # Ctrl-C is for whoever started it, who ends it in order
            )
        self._lines: list[str] = []
        self._said = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def output(self) -> str:
        with self._said:
            return "".join(self._lines)

    def _read(self) -> None:
        assert self._popen.stdout is not None
        for line in self._popen.stdout:
            with self._said:
                self._lines.append(line)
                self._said.notify_all()
        with self._said:
            self._popen.wait()
            self._said.notify_all()

    def line(self, containing: str, *, seconds: float = PATIENCE) -> str:
        """Waits for a line; fails with what was said instead."""

        def found() -> str | None:
            return next((line for line in self._lines if containing in line), None)

        with self._said:
            self._said.wait_for(lambda: found() or self._popen.poll() is not None, seconds)
            line = found()
        assert line is not None, f"No line with {containing!r}; exit code {self._popen.poll()}; said:\n{self.output}"
        return line

    def signal(self, number: int) -> None:
        self._popen.send_signal(number)

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        self._popen.kill()
        self.wait()

    def end(self) -> int:
        """SIGTERM, and SIGKILL where that does not help; the exit code."""
        if self._popen.poll() is None:
            self._popen.send_signal(signal.SIGTERM)
            try:
                self._popen.wait(20)
            except subprocess.TimeoutExpired:
                self._popen.kill()
        return self.wait()

    def wait(self, seconds: float = PATIENCE) -> int:
        """Waits until it ends by itself; the exit code."""
        code = self._popen.wait(seconds)
        self._reader.join(seconds)
        assert self._popen.stdout is not None
        self._popen.stdout.close()
        return code


@contextlib.contextmanager
def python(module: str, *arguments: str, env: dict[str, str] | None = None, cwd: Path = ROOT) -> Iterator[Process]:
    """A module run as a program, ended with the block."""
    process = Process(sys.executable, "-m", module, *arguments, env=env, cwd=cwd)
    try:
        yield process
    finally:
        process.end()


def told(process: Process, *, key: str = "address") -> dict[str, Any]:
    """The one JSON line in which a program says where it is."""
    line = process.line(f'"{key}"')
    found: dict[str, Any] = json.loads(line)
    return found


def threadline(*arguments: str, env: dict[str, str], cwd: Path) -> Process:
    """The program itself, with nothing of the machine's own settings: no `.env`, no model found on loopback."""
    mine = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), "")
    defaults = {"PORT": "0", "DATA_DIR": str(cwd / "data"), "MODEL_DISCOVERY": "false"}
    env = {**mine, **defaults, **env}
    if "PYTHONPATH" in env:
        return Process(str(Path(sys.executable).with_name("threadline")), *arguments, env=env, cwd=cwd)
    return Process(env=env, cwd=cwd, forks=partial(_command_line, arguments))


def _command_line(arguments: Sequence[str]) -> None:
    sys.argv = ["threadline", *arguments]
    main()
