"""What is shown of a passage: the sentences that stand nearest to what was said with its mark."""

import math
import re

# So much of it is shown.
SHOWN = 160
# The marks of a heading in a Markdown file, which are none of its words.
_HEADING = re.compile(r"^#{1,6} +", re.M)
_SENTENCE = re.compile(r"\S.*?(?:[.!?…](?=\s)|[。！？]|\Z)")
# Where nothing stands between words each character counts.
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W_\u3040-\u30ff\u3400-\u9fff]+")


def sentences(text: str) -> list[str]:
    return [found.group() for found in _SENTENCE.finditer(text)]


def quote(passage: str, said: str) -> str:
    """Words of the passage as they stand there, with … where some were left out; its first ones if none are near."""
    words = " ".join(_HEADING.sub("", passage).split())
    if len(words) <= SHOWN:
        return words
    start = _nearest(words, _words(said))
    end = len(words)
    if end - start > SHOWN:
        end = start + len(words[start : start + SHOWN].rsplit(" ", 1)[0])
    return f"{'…' if start else ''}{words[start:end]}{'…' if end < len(words) else ''}"


def _nearest(text: str, wanted: set[str]) -> int:
    """Where the sentence begins that shares most with what is wanted, for its length."""

    def shared(found: re.Match[str]) -> float:
        words = _words(found.group())
        return len(words & wanted) / math.sqrt(len(words) or 1)

    return max(_SENTENCE.finditer(text), key=shared).start()


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.casefold()))
