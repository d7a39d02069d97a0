"""Finds open emphasis: the marks of a growing line that have no end yet, by CommonMark's rules."""

import re
from dataclasses import dataclass

from markdown_it.common.utils import isMdAsciiPunct, isPunctChar

from bot.words.maths import FORMULA

_TOKEN = re.compile(
    rf"""(?P<skipped>(?=[\\$])(?:{FORMULA.pattern}) | \\. | \]\([^\s()]*\) | https?://[^\s<>*]+ | <[^\s<>]*>)
       | (?P<code>`+)
       | (?P<run>\*+|_+|~~+|~\Z)""",
    re.DOTALL | re.VERBOSE,
)


@dataclass(slots=True)
class OpenMark:
    """A mark without its end: `**`, `_`, `~~`, or the backticks of code. `at` is its position."""

    at: int
    mark: str
    may_close: bool = False


def open_marks(line: str, *, certain: bool = False) -> list[OpenMark]:
    """The marks open at the end of a line, outermost first; open code comes last.

    A mark at the very end closes an open one; if `certain`, it must be followed by another character to count.
    """
    opened: list[OpenMark] = []
    at = 0
    while found := _TOKEN.search(line, at):
        at = found.end()
        if found["code"]:
            close = re.compile(rf"(?<!`){found['code']}(?!`)").search(line, at)
            if close is None:
                return [*opened, OpenMark(found.start(), found["code"])]
            at = close.end()
        elif found["run"]:
            _take(opened, found, certain=certain)
    return opened


def _take(opened: list[OpenMark], run: re.Match[str], *, certain: bool) -> None:
    before, after = run.string[: run.start()][-1:] or " ", run.string[run.end() :][:1]
    opens, closes = _flanks(run.group()[0], before, after)
    left = run.group()
    while closes and left and not (certain and not after):
        found = next((n for n in reversed(range(len(opened))) if _fits(opened[n], left, opens=opens)), None)
        # At the end of the line, one star is half of the end of two.
        if found is None or (not after and len(left) < len(opened[found].mark)):
            break
        length = _matched(opened[found].mark, left)
        left, rest = left[length:], opened[found].mark[length:]
        del opened[found + bool(rest) :]
        if rest:
            opened[found].mark = rest
    if left and (opens or not after):
        opened.append(OpenMark(run.end() - len(left), left, closes))


def _matched(opener: str, closer: str) -> int:
    """How many characters of both marks form one pair."""
    return 2 if len(opener) > 1 and len(closer) > 1 else 1


def _fits(opener: OpenMark, closer: str, *, opens: bool) -> bool:
    """Return whether the closer may end the opener; marks that could do both must not add up to a multiple of three."""
    if opener.mark[0] != closer[0]:
        return False
    lengths = len(opener.mark), len(closer)
    return not (opener.may_close or opens) or sum(lengths) % 3 > 0 or all(length % 3 == 0 for length in lengths)


def _flanks(mark: str, before: str, after: str) -> tuple[bool, bool]:
    """Return whether a mark between these characters may open, and whether it may close."""
    after = after or " "
    left = not after.isspace() and (not _is_sign(after) or before.isspace() or _is_sign(before))
    right = not before.isspace() and (not _is_sign(before) or after.isspace() or _is_sign(after))
    if mark != "_":
        return left, right
    return left and (not right or _is_sign(before)), right and (not left or _is_sign(after))


def _is_sign(character: str) -> bool:
    return isMdAsciiPunct(ord(character)) or isPunctChar(character)
