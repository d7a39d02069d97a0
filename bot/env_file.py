"""Checks `.env`: lines that cannot be read, and names that look like a misspelled setting. Never shows a value."""

import io
from collections.abc import Collection, Iterator
from difflib import get_close_matches
from pathlib import Path

from dotenv.parser import Binding, parse_stream

# How similar a name must be to that of a setting to be taken for it, from 0 to 1.
SIMILAR = 0.8
REMEDY = "cannot be read. Write NAME=value, and close every quotation mark that you open."


def unreadable(path: Path) -> list[str]:
    """One sentence for each line that is no setting, or for the file as a whole."""
    try:
        return [f"{path}, line {_line(each)}: this {REMEDY}" for each in _bindings(path) if each.error]
    except UnicodeDecodeError:
        return [f"{path} is not UTF-8 text. Save it as UTF-8 and start again."]
    except OSError as error:
        return [f"{path} cannot be read: {error.strerror}. Check its permissions."]


def misspelled(path: Path, known: Collection[str]) -> list[str]:
    """The names in a readable file that are no settings but close to one, as `PORTT (did you mean PORT?)`."""
    names = dict.fromkeys(each.key for each in _bindings(path) if each.key)
    near = {name: get_close_matches(name.upper(), known, 1, SIMILAR) for name in names if name.upper() not in known}
    return [f"{name} (did you mean {found[0]}?)" for name, found in near.items() if found]


def _bindings(path: Path) -> Iterator[Binding]:
    return parse_stream(io.StringIO(path.read_text("utf-8-sig") if path.is_file() else ""))


def _line(binding: Binding) -> int:
    """The line on which a binding begins, without the empty lines before it."""
    text = binding.original.string
    return binding.original.line + text[: len(text) - len(text.lstrip())].count("\n")
