"""Picks what is shown of a cited passage: the sentences closest to the text that cites it."""

import math
import re

# The maximum number of characters shown.
SHOWN = 160
# The marks of a heading in a Markdown file, which are not shown.
_HEADING = re.compile(r"^#{1,6} +", re.M)
_SENTENCE = re.compile(r"\S.*?(?:[.!?…](?=\s)|[。！？]|\Z)")
# In scripts without spaces between words, each character counts as one.
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W_\u3040-\u30ff\u3400-\u9fff]+")


def sentences(text: str) -> list[str]:
    return [found.group() for found in _SENTENCE.finditer(text)]


def quote(passage: str, said: str) -> str:
    """Words of the passage as they stand there, with … where some were left out; its first ones if none are near.

    Of a passage that is not shown whole they end before the next heading.
    """
    sections = [" ".join(section.split()) for section in _HEADING.split(passage) if section.strip()]
    words = " ".join(sections)
    if len(words) <= SHOWN:
        return words
    start, end = _nearest(sections, _words(said))
    if end - start > SHOWN:
        end = start + len(words[start : start + SHOWN].rsplit(" ", 1)[0])
    shown, left = words[start:end], words[end:]
    after = " …" if left.startswith(" ") and shown.endswith((".", "!", "?")) else "…" if left else ""
    return f"{'…' if start else ''}{shown}{after}"


def _nearest(sections: list[str], wanted: set[str]) -> tuple[int, int]:
    """Where the sentence begins that shares most with what is wanted, for its length, and where its section ends."""
    best, place, begins = -1.0, (0, 0), 0
    for section in sections:
        for found in _SENTENCE.finditer(section):
            words = _words(found.group())
            shared = len(words & wanted) / math.sqrt(len(words) or 1)
            if shared > best:
                best, place = shared, (begins + found.start(), begins + len(section))
        begins += len(section) + 1
    return place


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.casefold()))
