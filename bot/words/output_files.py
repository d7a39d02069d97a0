"""Replaces links into the sandbox, which nobody can open, by their text and the name of the file."""

import re
from pathlib import PurePosixPath
from urllib.parse import unquote

from bot.words.rewrite import escaped

_LINK = re.compile(r"!?\[([^\]\n]*)\]\(\s*<?(sandbox:[^)\n>]*)>?[^)\n]*(\)|\Z)")


def named(text: str) -> str:
    """The text without links into the sandbox, also if the last one is unfinished."""
    return _LINK.sub(_instead, text) if "sandbox:" in text else text


def _instead(found: re.Match[str]) -> str:
    words, name = found.group(1), _name(found.group(2))
    is_whole = bool(found.group(3))
    return words if not is_whole or unquote(words) == name or name in escaped(words) else f"{words} ({name})"


def _name(address: str) -> str:
    return escaped(PurePosixPath(unquote(address)).name)
