"""Handles Markdown that is still growing: closes its open marks, and finds the part that can no longer change."""

import re
from collections.abc import Callable, Sequence
from itertools import pairwise

from markdown_it.token import Token

from bot.words.constructs import constructs, settled
from bot.words.emphasis import OpenMark, open_marks
from bot.words.markdown import line_starts, outline

# A last line of only marks may become a list, a rule, an underlined heading, a fence or the second line of a table, so
# it is not shown before its next character.
_UNDECIDED = re.compile(r"(?:\A|(?<=\n))(?=.)(?:[-+=*_#>`~|: \t]+|[ \t]*\d{1,9}[.)]?[ \t]*)\Z")
# `[2]` is a footnote.
_HALF_LINK = re.compile(r"!?\[(?!\d+\]\Z)([^\[\]]*)(?:\](?:\([^()\s]*)?)?\Z")
_HALF_FORMULA = re.compile(r"(?:\\\((?:(?!\\\)).){0,2000}|\\\[(?:(?!\\\]).){0,2000}|\\)\Z", re.DOTALL)
_HEAD_OF_TABLE = re.compile(r"(?:\A|(?<=\n))[ \t>]*\|[^\n]*\n?\Z")
_HALF_MARKER = re.compile(r"【[^【】\n]{0,200}\Z")
_OPENERS = frozenset("<@&\\")
_LONGEST_PING = 80


class Blocks:
    """The blocks of a growing text. Complete blocks are parsed and written once, so that the total time stays linear.

    `complete` are the blocks that can no longer change, `pieces` what `write` returned for each, `written` all joined.
    """

    def __init__(self, write: Callable[[str], str] = str) -> None:
        self.complete: list[str] = []
        self.pieces: list[str] = []
        self.written = ""
        self._write = write
        self._text = ""

    def settle(self, text: str) -> int:
        """Where the last block begins; everything before it is complete."""
        if not text.startswith(self._text):
            self.complete, self.pieces, self.written, self._text = [], [], "", ""
        rest = text[len(self._text) :]
        # An unfinished line may belong to the block before it.
        whole = rest[: rest.rfind("\n") + 1]
        starts = line_starts(whole)
        blocks = (token for token in outline(whole) if token.level == 0 and token.nesting != -1)
        tops = [starts[block.map[0]] for block in blocks if block.map]
        if len(tops) > 1:
            new = [whole[start:end] for start, end in pairwise([0, *tops[1:]])]
            pieces = [self._write(block) for block in new]
            self.complete += new
            self.pieces += pieces
            self.written += "".join(pieces)
            self._text += whole[: tops[-1]]
        return len(self._text)

    def of(self, text: str) -> list[str]:
        """The blocks of the text, with the open marks of the last one closed."""
        at = self.settle(text)
        return [*self.complete, mended(text[at:], shut=False)]


def mended(text: str, *, shut: bool = True) -> str:
    """A growing text with its open marks closed. A wrong guess is corrected as the text grows.

    `shut` also closes an open fence, which our own parser does not need.
    """
    text = _UNDECIDED.sub("", text)
    tokens = outline(text)
    last = _last(tokens)
    if last is None or not last.map:
        return text
    if last.type == "fence":
        return _shut(text, last) if shut else text
    if last.type != "inline":
        return text
    begins = line_starts(text)[last.map[0]]
    return text[:begins] + _mend(text[begins:], last.content, in_table=tokens[-1].type == "table_close")


def settled_end(text: str) -> int:
    """How many characters of a growing text can no longer change in how they are shown."""
    last = _last(outline(text))
    if last is None or last.type != "inline" or not last.map:
        return _before_open_word(text.rstrip())
    begins = line_starts(text)[last.map[0]]
    whole = [(begins + found.start(), begins + found.end()) for found in constructs(text[begins:])]
    end = begins + settled(text[begins:])
    while (before := _before_open_word(text[:end].rstrip())) < end:
        # An open word may be the end of a construct, of which nothing is shown then.
        end = next((start for start, stop in whole if start < before < stop), before)
    return end


def _before_open_word(text: str) -> int:
    begins = 1 + max(text.rfind(blank) for blank in " \n\t")
    word = text[begins:]
    if len(word) <= _LONGEST_PING and _OPENERS & set(word):
        return len(text[:begins].rstrip())
    return len(text)


def _last(tokens: Sequence[Token]) -> Token | None:
    """The last token that contains text."""
    return next((token for token in reversed(tokens) if token.map and token.nesting == 0), None)


def _shut(text: str, fence: Token) -> str:
    """The text with its open fence closed, or without it if its first line is unfinished."""
    starts = line_starts(text)
    first = (fence.map or [0])[0]
    opening = text[starts[first] : starts[min(first + 1, len(starts) - 1)]]
    if not opening.endswith("\n"):
        return text[: starts[first]]
    container = re.sub(r"[^\s>]", " ", opening[: opening.find(fence.markup)])
    closing = rf"[\s>]*{re.escape(fence.markup[0])}{{{len(fence.markup)},}}\s*"
    last = text[starts[-2] :] if len(starts) > 1 else text
    if starts[-2] != starts[first] and re.fullmatch(closing, last):
        return text
    half = re.sub(rf"(?<=\n)[ \t>]*{re.escape(fence.markup[0])}+\Z", "", text)
    return half + ("" if half.endswith("\n") else "\n") + container + fence.markup


def _mend(line: str, words: str, *, in_table: bool) -> str:
    """Close the open marks of the last line. `words` is the line without the marks of its list or quote."""
    opened = open_marks(words)
    if not (opened and opened[-1].mark.startswith("`")):
        halves = (_HALF_MARKER, _HALF_FORMULA) if in_table else (_HALF_MARKER, _HEAD_OF_TABLE, _HALF_FORMULA)
        line, words = _without(line, halves), _without(words, halves)
        opened = open_marks(words)
    return _closed(line.rstrip(), opened, len(words.rstrip()))


def _without(line: str, halves: Sequence[re.Pattern[str]]) -> str:
    for half in halves:
        line = half.sub("", line)
    return _HALF_LINK.sub(r"\1", line)


def _closed(line: str, opened: Sequence[OpenMark], end: int) -> str:
    """Close open marks; drop a mark with nothing after it, and blanks that would keep a mark from closing."""
    closing = ""
    for one in reversed(opened):
        if not closing and one.at + len(one.mark) == end:
            line = line.removesuffix(one.mark)
            blanks = len(line) - len(line.rstrip())
            line, end = line.rstrip(), one.at - blanks
        else:
            closing += one.mark
    return line + closing
