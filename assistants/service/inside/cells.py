"""Runs code in cells like a notebook: definitions persist, the last value is shown, figures are captured."""

import ast
import builtins
import contextlib
import importlib
import io
import linecache
import sys
import traceback
import types
from collections.abc import Callable
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from typing import TextIO

FIGURES = "threadline_figures"
LIBRARIES = ("numpy", "pandas", "matplotlib.pyplot")


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


class Cells:
    """The module in which the code lives; `streams` gives it a standard output and a standard error."""

    def __init__(self, streams: Callable[[], tuple[TextIO, TextIO]]) -> None:
        self._streams = streams
        self._main = types.ModuleType("__main__")
        self._main.__dict__["__builtins__"] = builtins
        self._figures: list[bytes] = []
        self.count = 0
        sys.argv = [""]
        sys.modules["__main__"] = self._main
        sys.meta_path.append(Figures(self._keep_figures))

    @staticmethod
    def warm() -> None:
        """Load what most code begins with."""
        for name in LIBRARIES:
            with contextlib.suppress(ImportError):
                __import__(name)

    def execute(self, code: str) -> bool:
        """Run the code. Return whether it raised."""
        self.count += 1
        # Anew each time: an earlier call may have closed or replaced them.
        sys.stdout, sys.stderr = self._streams()
        name = f"<cell {self.count}>"
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

    def figures(self) -> list[bytes]:
        """The pictures of the figures drawn since, shown or not."""
        with contextlib.suppress(Exception):
            self._keep_figures()
        figures, self._figures = self._figures, []
        return figures

    @staticmethod
    def flush() -> None:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()

    @staticmethod
    def _show(error: BaseException) -> None:
        trace = error.__traceback__ and error.__traceback__.tb_next
        # A syntax error has no frame of the code, only those of this file.
        lines = traceback.format_exception(type(error), error, None if isinstance(error, SyntaxError) else trace)
        sys.stderr.write("".join(lines))

    def _keep_figures(self) -> None:
        plots = sys.modules.get("matplotlib.pyplot")
        if plots is None:
            return
        for number in plots.get_fignums():
            picture = io.BytesIO()
            plots.figure(number).savefig(picture, format="png")
            self._figures.append(picture.getvalue())
        plots.close("all")
