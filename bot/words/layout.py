"""Finds where Markdown may be split, and what a split must close and repeat."""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import cached_property

from markdown_it.token import Token

from bot.words.constructs import uncut_spans
from bot.words.markdown import line_starts, outline
from bot.words.split import graphemes, sentences, words

_ITEM = re.compile(r"[ ]*(?:[-+*]|\d{1,9}[.)])(?:[ ]{1,4}(?=\S)|[ ]|\t|(?=\n|\Z))")
_BEFORE_WORDS = re.compile(r"[ \t>]*(?:(?:[-+*]|\d{1,9}[.)]|\#{1,6})[ \t]+)*(?:\[[ xX]\][ \t]+)?")
_LONGEST_INFO = 100
# Longer marks are no fence but a text of backticks or tildes; repeated, they would fill the messages.
_LONGEST_FENCE = 40


class Layout:
    """Offsets are those of `text`."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._starts = line_starts(text)
        self._tokens = outline(text)

    def borders(self, *, after: int) -> Iterator[Sequence[int]]:
        """The positions where the text may be split, in groups from the best to the worst kind."""
        yield from ([at for at in found if at > after] for found in (self._blocks, self._items, self._lines))
        rows = _merged([*self._uncut, *self._rows])
        uncut = _merged(self._uncut)
        for ends, spans in ((sentences, rows), (words, rows), (words, uncut), (graphemes, uncut)):
            yield [at for at in ends(self.text) if at > after and not _is_within(at, spans)]
        yield range(after + 1, len(self.text) + 1)

    def closing(self, at: int) -> str:
        """The text that must follow a split at this position."""
        fence = self._fence(at)
        if fence is None:
            return ""
        line = self._line(fence)
        container = re.sub(r"[^\s>]", " ", line[: line.find(fence.markup)])
        return ("" if self.text[at - 1 : at] == "\n" else "\n") + container + fence.markup

    def opening(self, at: int) -> tuple[str, int]:
        """The text that must precede the rest after a split, and the indentation of the rest by its list."""
        quote = "> " * self._depth_of_quotes(at)
        opens = ""
        if fence := self._fence(at):
            info = fence.info.strip()
            opens = f"{quote}{fence.markup}{info if len(info) <= _LONGEST_INFO else ''}\n"
        elif table := self._around(at, "table_open"):
            first, last = self._lines_of(table)
            opens = self.text[self._starts[first] : self._starts[min(first + 2, last)]]
        if quote and not self.text[at:].lstrip(" ").startswith(">"):
            opens += quote
        return opens, self._indent(at)

    @cached_property
    def _blocks(self) -> list[int]:
        """Where blocks begin; a heading stays with the block after it."""
        tops = [token for token in self._tokens if token.level == 0 and token.map and token.nesting != -1]
        found = [
            self._starts[token.map[0]]
            for before, token in zip([None, *tops], tops, strict=False)
            if token.map and (before is None or before.type != "heading_open")
        ]
        return [*found, *self._end_of_blocks(tops)]

    def _end_of_blocks(self, tops: Sequence[Token]) -> list[int]:
        if not tops or self.text[-1:] != "\n" or tops[-1].type in ("heading_open", "fence"):
            return []
        return [len(self.text)]

    @cached_property
    def _items(self) -> list[int]:
        items = [token for token in self._tokens if token.type == "list_item_open" and token.map]
        return sorted({self._starts[token.map[0]] for token in items if token.map and token.map[0] > 0})

    @cached_property
    def _lines(self) -> list[int]:
        closed = {at for token in self._tokens for at in self._inner_lines(token)}
        uncut = _merged(self._uncut)
        starts = self._starts[1:] if self.text.endswith("\n") else self._starts[1:-1]
        return [at for at in starts if at not in closed and not _is_within(at, uncut)]

    def _inner_lines(self, token: Token) -> Iterator[int]:
        """The lines that must not begin a part: the first and last of a fence, the header and first row of a table."""
        if not token.map:
            return
        first, last = self._lines_of(token)
        if token.type == "fence":
            yield self._starts[first + 1] if first + 1 < len(self._starts) else -1
            yield self._starts[max(first, last - 1)]
        elif token.type == "table_open":
            yield from self._starts[first + 1 : min(first + 3, last)]

    @property
    def _rows(self) -> Iterator[tuple[int, int]]:
        """The lines of tables, without their line ends."""
        for token in self._tokens:
            if token.type == "tr_open" and token.map:
                first, _ = self._lines_of(token)
                yield self._starts[first], self._starts[min(first + 1, len(self._starts) - 1)]

    @cached_property
    def _uncut(self) -> list[tuple[int, int]]:
        """Spans that must not be split: constructs of a line, and the marks before its text."""
        uncut: list[tuple[int, int]] = []
        for token in self._tokens:
            if token.type in ("inline", "fence", "code_block") and token.map:
                first, last = self._lines_of(token)
                begins, ends = self._starts[first], self._starts[last]
                if token.type == "inline":
                    uncut += [(begins + start, begins + end) for start, end in uncut_spans(self.text[begins:ends])]
                    before = _BEFORE_WORDS.match(self.text, begins)
                    uncut.append((begins, before.end() if before else begins))
                elif token.type == "fence":
                    uncut.append((begins, self._starts[min(first + 1, len(self._starts) - 1)] - 1))
        return uncut

    def _fence(self, at: int) -> Token | None:
        """The fence around a position that a split closes and opens again."""
        fence = self._around(at, "fence")
        return fence if fence and len(fence.markup) <= _LONGEST_FENCE else None

    def _around(self, at: int, kind: str) -> Token | None:
        """The innermost block of this kind that contains a position."""
        found = None
        for token in self._tokens:
            if token.type == kind and token.map:
                first, last = self._lines_of(token)
                if self._starts[first] < at and (at < self._starts[last] or (kind == "fence" and self._is_open(token))):
                    found = token
        return found

    def _is_open(self, fence: Token) -> bool:
        """Return whether a fence has no end within the text."""
        first, last = self._lines_of(fence)
        line = self.text[self._starts[max(first, last - 1)] : self._starts[last]]
        end = rf"[\s>]*{re.escape(fence.markup[0])}{{{len(fence.markup)},}}\s*"
        return not self.text[self._starts[last] :].strip() and not (last - first > 1 and re.fullmatch(end, line))

    def _indent(self, at: int) -> int:
        """The indentation of the text in the list item that contains a position."""
        indent, line = 0, -1
        for token in self._tokens:
            if token.type != "list_item_open" or not token.map:
                continue
            first, last = self._lines_of(token)
            if self._starts[first] < at < self._starts[last]:
                begins = self._starts[first]
                marker = _ITEM.match(self.text, begins + indent if first == line else begins)
                indent, line = (marker.end() - begins if marker else indent), first
        return indent

    def _depth_of_quotes(self, at: int) -> int:
        quotes = [token for token in self._tokens if token.type == "blockquote_open"]
        return sum(self._starts[self._lines_of(q)[0]] < at < self._starts[self._lines_of(q)[1]] for q in quotes)

    def _lines_of(self, token: Token) -> tuple[int, int]:
        first, last = token.map or (0, 0)
        return first, min(last, len(self._starts) - 1)

    def _line(self, token: Token) -> str:
        first, _ = self._lines_of(token)
        return self.text[self._starts[first] : self._starts[min(first + 1, len(self._starts) - 1)]]


def _merged(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The spans in order, with overlapping ones merged."""
    merged: list[tuple[int, int]] = []
    for begins, ends in sorted(spans):
        if merged and begins < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], ends))
        elif begins < ends:
            merged.append((begins, ends))
    return merged


def _is_within(at: int, spans: Sequence[tuple[int, int]]) -> bool:
    """Return whether a position is inside one of the spans."""
    before = bisect_left(spans, (at, 0)) - 1
    return before >= 0 and at < spans[before][1]
