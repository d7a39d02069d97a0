"""A program as a process that forks from one which has imported everything: a start costs no imports."""

import multiprocessing
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    [
        "tests.proofs.launcher",
        "bot.app",
        "adapters.slack.listen",
        "adapters.discord.gateway",
        "assistants.service.asgi_transport",
    ]
)


class Forked:
    """A running program. `output` is what it has said so far on standard output and standard error."""

    def __init__(self, program: Callable[[], None], env: dict[str, str], cwd: Path) -> None:
        self._log = cwd / "output"
        self._log.write_text("", "utf-8")
        self._process = _CONTEXT.Process(target=_main, args=(program, env, str(cwd), str(self._log)))
        self._process.start()
        self._waiting = threading.Thread(target=self._process.join, daemon=True)
        self._waiting.start()

    @property
    def output(self) -> str:
        return self._log.read_text("utf-8", errors="replace")

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        self._process.kill()
        self.wait()

    def end(self) -> None:
        """SIGTERM, and SIGKILL where that does not help."""
        self._process.terminate()
        self._waiting.join(20)
        self.kill()

    def wait(self, seconds: float = 60) -> None:
        """Waits until it ends by itself."""
        self._waiting.join(seconds)
        assert not self._waiting.is_alive(), f"It has not ended after {seconds:g} s:\n{self.output[-3000:]}"


def _main(program: Callable[[], None], env: dict[str, str], cwd: str, log: str) -> None:
    said = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(said, 1)
    os.dup2(said, 2)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    os.environ.update(env)
    os.chdir(cwd)
    program()
