"""Finds the constructs in a line of Markdown: links, code, formulas, addresses; and what must not be split."""

import re
from collections.abc import Iterator

from bot.words.emphasis import open_marks
from bot.words.maths import BEGUN_FORMULA, FORMULA

# Bounded, and with only one way to match, because a text must not stop the event loop, nor a growing text wait forever
# for the end of a construct. The `+` after a repetition forbids to match less of it.
_WORDS = r"(?:[^\[\]\\]|\\.|\[[^\[\]\n]{0,200}+\]){0,500}+"
_ADDRESS = r"(?:<[^<>\n]{0,2000}>|(?:[^\s()<>]|\([^\s()]{0,200}+\)){0,2000}+)"
_TITLE = r"""(?:\s++(?:"[^"\n]{0,200}"|'[^'\n]{0,200}'))?"""
# The beginning of the part of a link after its words: an address, and perhaps a title.
_BEGUN_ADDRESS = r"(?:<[^<>\n]{0,2000}+>?|(?:[^\s()<>]|\([^\s()]{0,200}+\)){0,2000}+(?:\([^\s()]{0,200}+)?)"
_BEGUN_TITLE = r"""(?:\s++(?:"[^"\n]{0,200}+"?|'[^'\n]{0,200}+'?))?"""
CONSTRUCT = re.compile(
    rf"""(?=[\\$&`【!\[<h])(?:
         (?P<formula>(?=[\\$])(?:{FORMULA.pattern}))
       | (?P<escape>\\[!-/:-@\[-`{{-~])
       | (?P<reference>&(?:\#\d{{1,7}}|\#[xX][0-9A-Fa-f]{{1,6}}|[A-Za-z][A-Za-z0-9]{{1,31}});)
       | (?P<code>(?<!`)(?P<ticks>`+)(?!`)(?:[^`]|(?!(?<!`)(?P=ticks)(?!`))`){{1,2000}}?(?<!`)(?P=ticks)(?!`))
       | (?P<marker>【[^【】\n]{{0,200}}】)
       | (?P<image>!\[(?P<alt>{_WORDS})\]\(\s*+(?P<source>{_ADDRESS}){_TITLE}\s*+\))
       | (?P<link>\[(?P<words>{_WORDS})\]\(\s*+(?P<address>{_ADDRESS}){_TITLE}\s*+\))
       | (?P<auto><(?P<target>[A-Za-z][A-Za-z0-9+.-]{{1,31}}:[^\s<>]{{0,2000}})>)
       | (?P<bare>https?://[^\s<>]{{1,2000}}))""",
    re.VERBOSE | re.DOTALL,
)
# Contains other constructs, so it is not one of them.
_BOLD = re.compile(r"(\*\*|__|~~)(?=\S)[^*_~\n]{1,300}(?<=\S)\1")
# How many characters to wait for the end of emphasis. Longer marks are usually not emphasis.
LONGEST_EMPHASIS = 500
# An unfinished construct at the end of a growing text.
_BEGUN = re.compile(
    rf"""【[^【】\n]{{0,200}}\Z
      | !?\[{_WORDS}(?:\\|\[[^\[\]\n]{{0,200}}+|\](?:\(\s*+{_BEGUN_ADDRESS}{_BEGUN_TITLE}\s*+)?)?\Z
      | `[^`]{{0,1000}}`{{0,3}}\Z
      | {BEGUN_FORMULA}
      | <[^\s<>]{{0,200}}\Z
      | https?://[^\s<>]{{0,2000}}\Z
      | [&@#!*_~][^\s]{{0,80}}\Z""",
    re.VERBOSE | re.DOTALL,
)


def constructs(text: str) -> Iterator[re.Match[str]]:
    """The constructs of a line of Markdown, from left to right."""
    return CONSTRUCT.finditer(text)


def uncut_spans(text: str) -> Iterator[tuple[int, int]]:
    """The spans of a line of Markdown that must not be split; they may overlap."""
    for pattern in (CONSTRUCT, _BOLD):
        yield from (found.span() for found in pattern.finditer(text))


def settled(line: str) -> int:
    """Where the first unfinished construct of a growing line begins; the length of the line if there is none."""
    emphasis = (one.at for one in open_marks(line, certain=True) if len(line) - one.at <= LONGEST_EMPHASIS)
    return min(_settled(line), next(emphasis, len(line)))


def _settled(line: str) -> int:
    at = 0
    while opener := _OPENER.search(line, at):
        at = opener.start()
        begun, found = _BEGUN.match(line, at), CONSTRUCT.match(line, at)
        if found and (found.lastgroup in _CLOSED or found.end() < len(line)) and not (begun and found["escape"]):
            at = found.end()
        elif found or begun:
            return at
        else:
            at += 1
    return len(line)


_OPENER = re.compile(r"[【\[!`\\$<&@#*_~]|https?://")
_CLOSED = frozenset({"marker", "auto", "link", "image"})
