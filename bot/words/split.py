"""Splits plain text: after a sentence, else a word, else a visible character."""

import re
from collections.abc import Callable, Iterator

from wcwidth import iter_graphemes

Measure = Callable[[str], int]

# Best first. An abbreviation counts as the end of a sentence, which does little harm.
_SENTENCE = re.compile(r"[.!?…][\"'»”’)\]*_]*\s+|[。！？][」』”’）]*\s*")
_WORD = re.compile(r"\s+|(?<=[、，；：])")
_BORDERS = (re.compile(r"\n[ \t]*\n+"), re.compile(r"\n"), _SENTENCE, _WORD)


def sentences(text: str) -> Iterator[int]:
    """Where sentences end."""
    return (found.end() for found in _SENTENCE.finditer(text))


def words(text: str) -> Iterator[int]:
    """Where words end."""
    return (found.end() for found in _WORD.finditer(text) if found.end())


def graphemes(text: str) -> Iterator[int]:
    """Where visible characters end: accents and the parts of an emoji belong to the character they follow."""
    at = 0
    for grapheme in iter_graphemes(text):
        at += len(grapheme)
        yield at


def split(text: str, limit: int, measure: Measure = len) -> list[str]:
    """Split text into parts of at most `limit`; joined, they are the text. Does not know Markdown."""
    if limit < 1:
        raise ValueError("limit must be at least 1")
    parts = []
    while measure(text) > limit:
        cut = _cut(text, limit, measure)
        parts.append(text[:cut])
        text = text[cut:]
    return [*parts, text] if text else parts


def longest(text: str, limit: int, measure: Measure = len) -> int:
    """How many characters of a text fit the limit."""
    if measure is len or measure(text) <= limit:
        return min(len(text), limit)
    low, high = 0, min(len(text), limit)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if measure(text[:middle]) <= limit else (low, middle - 1)
    return low


def _cut(text: str, limit: int, measure: Measure) -> int:
    """The best position to end the first part, in its second half if possible."""
    fits = max(1, longest(text, limit, measure))
    head = text[:fits]
    for border in _BORDERS:
        ends = [found.end() for found in border.finditer(head) if found.end() * 2 >= fits]
        if ends:
            return ends[-1]
    # The characters after the limit show whether the last visible character ends there.
    whole = [end for end in graphemes(text[: fits + 64][-128:]) if end]
    start = max(0, len(text[: fits + 64]) - 128)
    return max((start + end for end in whole if start + end <= fits), default=fits)
