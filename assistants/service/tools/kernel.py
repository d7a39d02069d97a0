"""The program inside the sandbox: runs code it is sent, remembers its variables, hands back what it wrote.

Sent as text to a bare Python, so it may import the standard library only. It speaks frames: a line of JSON, then as
many bytes as its `size` says. What the code prints goes to standard error. Nothing here is trusted by the other side:
the code it runs can change all of it.
"""

import ast
import builtins
import contextlib
import importlib
import io
import json
import linecache
import os
import resource
import signal
import stat
import sys
import threading
import traceback
import types
from collections.abc import Callable
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from typing import Any, BinaryIO

WORK = "/mnt/data"
FIGURES = "threadline_figures"


class Figures(Loader, MetaPathFinder):
    """Finds and makes the matplotlib backend whose `show` keeps the figures, when a plot asks for it."""

    def __init__(self, keep: Callable[[], None]) -> None:
        self._keep = keep

    def find_spec(self, name: str, *_: object) -> ModuleSpec | None:
        return ModuleSpec(name, self) if name == FIGURES else None

    def exec_module(self, module: types.ModuleType) -> None:
        agg = importlib.import_module("matplotlib.backends.backend_agg")
        bases = importlib.import_module("matplotlib.backend_bases")
        names = {"FigureCanvas": agg.FigureCanvasAgg, "FigureManager": bases.FigureManagerBase}
        module.__dict__.update(names, show=lambda *_, **__: self._keep())


class Kernel:
    """One session: the frames it reads and writes, and the module in which the code lives."""

    def __init__(self, ask: BinaryIO, tell: BinaryIO) -> None:
        self._ask = ask
        self._tell = tell
        self._limits: dict[str, int] = {}
        self._main = types.ModuleType("__main__")
        self._seen: dict[str, tuple[int, int, int]] = {}
        self._figures: list[bytes] = []
        self._cells = 0

    def serve(self) -> None:
        while line := self._ask.readline():
            asked = json.loads(line)
            blob = self._ask.read(asked.get("size", 0))
            try:
                getattr(self, "do_" + asked["do"])(asked, blob)
            except OSError as error:
                self._say("refused", why=error.strerror or str(error))

    def do_begin(self, asked: dict[str, Any], _: bytes) -> None:
        """Take the limits, hard, before any code is run."""
        self._limits = asked["limits"]
        for name, value in asked["rlimits"].items():
            resource.setrlimit(getattr(resource, name), (value, value))
        sys.path.extend(asked["packages"])
        sys.argv = [""]
        sys.modules["__main__"] = self._main
        self._main.__dict__["__builtins__"] = builtins
        sys.meta_path.append(Figures(self._keep_figures))
        self._say("done")

    def do_warm(self, *_: object) -> None:
        """Load what most code begins with."""
        for name in ("numpy", "pandas", "matplotlib.pyplot"):
            with contextlib.suppress(ImportError):
                __import__(name)
        self._say("done")

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
        self._say("done")

    def do_run(self, asked: dict[str, Any], _: bytes) -> None:
        pid = os.getpid()
        failed = self._execute(asked["code"])
        if os.getpid() != pid:
            # The code forked, and this is the child that fell out of it.
            os._exit(0)
        with contextlib.suppress(Exception):
            self._keep_figures()
        self._end_others()
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        self._hand_back()
        self._say("done", failed=failed)

    def _execute(self, code: str) -> bool:
        self._cells += 1
        # Anew each time: an earlier call may have closed or replaced them.
        sys.stdout, sys.stderr = _printer(1), _printer(2)
        name = f"<cell {self._cells}>"
        linecache.cache[name] = (len(code), None, code.splitlines(keepends=True), name)
        try:
            tree = ast.parse(code, name)
            last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
            exec(compile(tree, name, "exec"), self._main.__dict__)  # noqa: S102 - what all of this is for
            if isinstance(last, ast.Expr):
                value = eval(compile(ast.Expression(last.value), name, "eval"), self._main.__dict__)  # noqa: S307
                if value is not None:
                    print(repr(value))  # noqa: T201 - the value of a cell is shown, as notebooks do
        except SystemExit:
            return False
        except BaseException as error:
            self._show(error)
            return True
        return False

    @staticmethod
    def _show(error: BaseException) -> None:
        trace = error.__traceback__ and error.__traceback__.tb_next
        # A syntax error has no frame of the code, only those of this file.
        lines = traceback.format_exception(type(error), error, None if isinstance(error, SyntaxError) else trace)
        sys.stderr.write("".join(lines))

    def _end_others(self) -> None:
        """Nothing a call started outlives it."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(-1, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            while True:
                os.waitpid(-1, 0)

    def _keep_figures(self) -> None:
        plots = sys.modules.get("matplotlib.pyplot")
        if plots is None:
            return
        for number in plots.get_fignums():
            picture = io.BytesIO()
            plots.figure(number).savefig(picture, format="png")
            self._figures.append(picture.getvalue())
        plots.close("all")

    def _hand_back(self) -> None:
        room = self._limits["returned"]
        count = self._limits["returned_files"]
        figures, self._figures = self._figures, []
        for number, picture in enumerate(figures, 1):
            name = f"figure-{self._cells}-{number}.png"
            if count and len(picture) <= room:
                room, count = room - len(picture), count - 1
                self._say("figure", picture, name=name)
            else:
                self._say("left", name=name, size_left=len(picture))
        for path, mark in self._changed():
            if count and mark[2] <= room:
                with open(path, "rb") as file:
                    content = file.read(mark[2])
                room, count = room - len(content), count - 1
                self._say("file", content, name=os.path.relpath(path, WORK))
            else:
                self._say("left", name=os.path.relpath(path, WORK), size_left=mark[2])

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

    def _say(self, what: str, blob: bytes = b"", **more: Any) -> None:
        self._tell.write(json.dumps({"is": what, "size": len(blob), **more}).encode() + b"\n" + blob)
        self._tell.flush()


def _printer(handle: int) -> io.TextIOWrapper:
    """By lines, so that what a call printed before it was stopped is not lost."""
    return open(handle, "w", encoding="utf-8", errors="replace", buffering=1, closefd=False)


def main() -> None:
    ask, tell = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open("/dev/null", os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    threading.stack_size(1 << 20)
    Kernel(ask, tell).serve()


if __name__ == "__main__":
    main()
