"""The program inside the sandbox: runs code, keeps its variables, returns the files it wrote.

Sent as text to a bare Python (`program`), so it may import the standard library only, and its neighbours here.
"""

import contextlib
import os
import resource
import signal
import stat
import sys
import threading
from collections.abc import Iterator
from functools import partial
from typing import Any, TextIO

from assistants.service.inside.cells import Cells
from assistants.service.inside.frames import Speaker, Written

WORK = "/mnt/data"


class Kernel(Speaker):
    """One session."""

    def __init__(self) -> None:
        super().__init__()
        self._seen: dict[str, tuple[int, int, int]] = {}
        self._cells = Cells(lambda: (_printer(1), _printer(2)))

    def do_begin(self, asked: dict[str, Any], _: bytes) -> None:
        """Take the limits, hard, before any code is run."""
        self._limits = asked["limits"]
        for name, value in asked["rlimits"].items():
            resource.setrlimit(getattr(resource, name), (value, value))
        sys.path.extend(asked["packages"])
        self.say("done")

    def do_warm(self, *_: object) -> None:
        self._cells.warm()
        self.say("done")

    def do_put(self, asked: dict[str, Any], blob: bytes) -> None:
        path = os.path.join(WORK, asked["name"])
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        try:
            with open(path, "xb") as file:
                file.write(blob)
        except OSError:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
            raise
        self._seen[path] = self._mark(os.lstat(path))
        self.say("done")

    def do_run(self, asked: dict[str, Any], _: bytes) -> None:
        pid = os.getpid()
        failed = self._cells.execute(asked["code"])
        if os.getpid() != pid:
            # The code forked, and this is the child that fell out of it.
            os._exit(0)
        figures = self._cells.figures()
        self._end_others()
        self._cells.flush()
        self.hand_back(self._cells.count, figures, self._written())
        self.say("done", failed=failed)

    def _end_others(self) -> None:
        """Nothing a call started outlives it."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(-1, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            while True:
                os.waitpid(-1, 0)

    def _written(self) -> Iterator[Written]:
        for path, mark in self._changed():
            yield os.path.relpath(path, WORK), mark[2], partial(_read, path, mark[2])

    def _changed(self) -> list[tuple[str, tuple[int, int, int]]]:
        """Plain files of the working folder that are new or written since; no link is followed."""
        found = {}
        for folder, _, names in os.walk(WORK):
            for name in names:
                path = os.path.join(folder, name)
                with contextlib.suppress(OSError, UnicodeError):
                    path.encode()
                    state = os.lstat(path)
                    if stat.S_ISREG(state.st_mode):
                        found[path] = self._mark(state)
        changed = sorted((path, mark) for path, mark in found.items() if self._seen.get(path) != mark)
        self._seen = found
        return changed

    @staticmethod
    def _mark(state: os.stat_result) -> tuple[int, int, int]:
        return state.st_ino, state.st_mtime_ns, state.st_size


def _read(path: str, size: int) -> bytes:
    with open(path, "rb") as file:
        return file.read(size)


def _printer(handle: int) -> TextIO:
    """By lines, so that what a call printed before it was stopped is not lost."""
    return open(handle, "w", encoding="utf-8", errors="replace", buffering=1, closefd=False)


def main() -> None:
    threading.stack_size(1 << 20)
    Kernel().serve()


if __name__ == "__main__":
    main()
