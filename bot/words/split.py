"""Cuts a long text into parts that fit a platform's limit, nothing lost."""

import re
import unicodedata

# Where to cut, best first: after a paragraph, after a line, after a word.
_BOUNDARIES = (re.compile(r"\n[ \t]*\n+"), re.compile(r"\n"), re.compile(r"[ \t]+"))
_JOINER = "\u200d"


def split(text: str, limit: int) -> list[str]:
    """Parts of at most `limit` characters that joined give the text again; no text gives no parts."""
    if limit < 1:
        raise ValueError("limit must be at least 1")
    parts = []
    while len(text) > limit:
        cut = _cut(text, limit)
        parts.append(text[:cut])
        text = text[cut:]
    return [*parts, text] if text else parts


def _cut(text: str, limit: int) -> int:
    """The best place to end the first part, in its second half if there is one."""
    head = text[:limit]
    for boundary in _BOUNDARIES:
        ends = [found.end() for found in boundary.finditer(head) if found.end() * 2 >= limit]
        if ends:
            return ends[-1]
    return _whole_character(text, limit)


def _whole_character(text: str, limit: int) -> int:
    """The last place within `limit` that parts no visible character, or `limit` where one is longer than that."""
    for cut in range(limit, max(limit - 64, 0), -1):
        if not _extends(text[cut]) and text[cut - 1] != _JOINER:
            return cut
    return limit


def _extends(character: str) -> bool:
    """Whether a character belongs to the one before it: an accent, a joiner, a variation, a skin tone."""
    return (
        character == _JOINER
        or unicodedata.combining(character) != 0
        or unicodedata.category(character) in {"Mn", "Me", "Mc"}
        or "\U0001f3fb" <= character <= "\U0001f3ff"
    )
