"""sqlite-utils without pandas and numpy: it imports both wherever they are installed, for features unused here.

They are installed for the code interpreter's sandbox, which runs in processes of its own. Importing them here would
cost every start half a second of processor time and some 50 MB of memory.
"""

import contextlib
import sys
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def _hidden(*names: str) -> Iterator[None]:
    """Make `import` fail for modules that are not imported yet."""
    modules: dict[str, Any] = sys.modules
    hidden = [name for name in names if name not in modules]
    modules.update(dict.fromkeys(hidden))
    try:
        yield
    finally:
        for name in hidden:
            del modules[name]


with _hidden("pandas", "numpy"):
    from sqlite_utils import Database, Migrations

__all__ = ["Database", "Migrations"]
