"""Splits a growing Markdown text into messages. A full part never changes again.

A part ends at the end of a block, else of a list item, a line, a sentence, a word or a visible character. A split fence
is closed and reopened with its language; a table repeats its header, a quote its mark. No text is lost.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter

from bot.words.growing import Blocks, mended, settled_end
from bot.words.layout import Layout
from bot.words.split import Measure, longest


@dataclass(frozen=True, slots=True)
class Paper:
    """The format of a platform's messages: their length (`room`, by `measure`), and how Markdown is written.

    `continued` is put above every part except the first.
    """

    room: int
    write: Callable[[str], str]
    measure: Measure = len
    continued: str = ""


@dataclass(frozen=True, slots=True)
class Start:
    """Where a part begins in the text, the text it repeats, and the indentation of a continued list to remove."""

    at: int = 0
    head: str = ""
    indent: int = 0


@dataclass(frozen=True, slots=True)
class Part:
    """A part as it is sent, and the span of text it shows."""

    written: str
    start: int
    end: int


class Pages:
    """The parts of one growing text. The splits depend only on the text, not on how it grew.

    The exception is text already shown append-only: it stays, so a part ends after it.
    """

    def __init__(self, paper: Paper) -> None:
        self._paper = paper
        self._text = ""
        self._begun = ""
        self._full: list[Part] = []
        self._start = Start()
        self._seen = 0
        self._blocks = Blocks(paper.write)

    def grow(self, text: str, *, append_only: bool = False) -> list[Part]:
        """The parts so far. The last one may still change; its open marks are closed for now.

        With `append_only`, it leaves out text that may still change, so that it only ever gets longer.
        """
        self._take(text)
        self._fill()
        rest = self._rest()
        return [*self._full, *(self._certain(rest) if append_only else self._fitting(rest))]

    def end(self, text: str) -> list[Part]:
        """The parts of the finished text."""
        self._take(text)
        self._fill()
        while (rest := self._rest()) and not self._fits(rest, rest.text):
            self._cut(rest)
        return [*self._full, *self._written(rest, rest.text)]

    def turn(self) -> None:
        """End the last part after the text that `grow` showed with `append_only`."""
        if self._seen:
            self._close(self._rest(), self._seen)

    def _take(self, text: str) -> None:
        """Set the text; start over if it does not continue the full parts."""
        if not text.startswith(self._begun):
            self._full, self._start, self._seen = [], Start(), 0
            self._blocks, self._begun = Blocks(self._paper.write), ""
        self._text = text

    def _fill(self) -> None:
        """Split off full parts. Each split depends only on the characters that fit and the one after them."""
        while True:
            ahead = self._text[self._start.at : self._start.at + self._paper.room + 1]
            fits = longest(ahead, self._paper.room, self._paper.measure)
            if self._start.at + fits >= len(self._text):
                return
            self._cut(_Rest.of(self._text, self._start, self._start.at + fits + 1))

    def _rest(self) -> "_Rest":
        return _Rest.of(self._text, self._start, len(self._text))

    def _cut(self, rest: "_Rest") -> None:
        self._close(rest, self._best(rest))

    def _close(self, rest: "_Rest", end: int) -> None:
        """End the current part at this position."""
        layout = Layout(rest.text)
        self._full += self._written(rest.until(end), rest.text[:end] + layout.closing(end))
        opening, indent = layout.opening(end)
        if self._paper.measure(opening) > self._paper.room // 2:
            opening = ""  # a header of a table that leaves too little room for its rows
        self._start = Start(rest.source(end), opening, indent + (rest.start.indent if rest.is_indented(end) else 0))
        self._begun = self._text[: self._start.at]
        self._seen, self._blocks = 0, Blocks(self._paper.write)

    def _written(self, rest: "_Rest", markdown: str) -> list[Part]:
        """The part as a list; empty if it would show nothing."""
        return self._shown(rest, self._form(rest, markdown))

    def _shown(self, rest: "_Rest", written: str) -> list[Part]:
        if not rest.text[len(rest.start.head) :].strip():
            return []
        return [Part(written, rest.start.at, rest.source(len(rest.text)))]

    def _form(self, rest: "_Rest", markdown: str) -> str:
        return (self._paper.continued if rest.start.at else "") + self._paper.write(markdown)

    def _fits(self, rest: "_Rest", markdown: str) -> bool:
        return self._paper.measure(self._form(rest, markdown)) <= self._paper.room

    def _certain(self, rest: "_Rest") -> list[Part]:
        """The text that can no longer change, as long as there is room to close its open marks."""
        at = self._blocks.settle(rest.text)
        end = at + settled_end(rest.text[at:])
        closing = Layout(rest.text[at:]).closing(end - at)
        closed = self._grown(rest, at, rest.text[at:end] + closing)
        if end > self._seen and self._paper.measure(closed) <= self._paper.room:
            self._seen = end
        seen = rest.until(self._seen)
        if self._seen < at:
            return self._written(seen, seen.text)
        is_whole = end == self._seen and not closing
        return self._shown(seen, closed if is_whole else self._grown(rest, at, rest.text[at : self._seen]))

    def _fitting(self, rest: "_Rest") -> list[Part]:
        """The rest, or as much as fits for now; the final split is decided when there is more text."""
        at = self._blocks.settle(rest.text)
        written = self._grown(rest, at, mended(rest.text[at:]))
        if self._paper.measure(written) <= self._paper.room:
            return self._shown(rest, written)
        end = self._best(rest)
        return self._written(rest.until(end), rest.text[:end] + Layout(rest.text).closing(end))

    def _grown(self, rest: "_Rest", at: int, last: str) -> str:
        """The part as it is sent: its complete blocks and the last one."""
        lead = self._paper.continued if rest.start.at else ""
        return f"{lead}{self._blocks.written if at else ''}{self._paper.write(last)}"

    def _best(self, rest: "_Rest") -> int:
        """Where to end a part: the best border that leaves it at least half full, else the one that fills it most."""
        layout, least = Layout(rest.text), self._paper.room // 2
        found = 0
        for borders in layout.borders(after=max(self._seen - 1, len(rest.start.head))):
            end, size = self._last_that_fits(rest, layout, borders)
            if size >= least:
                return end
            found = max(found, end)
        return found or max(self._seen, len(rest.start.head) + 1)

    def _last_that_fits(self, rest: "_Rest", layout: Layout, borders: Sequence[int]) -> tuple[int, int]:
        """The last border that fits, and its size. A binary search comes close: sizes mostly grow with the text."""

        def size(end: int) -> int:
            return self._paper.measure(self._form(rest, rest.text[:end] + layout.closing(end)))

        low, high = 0, len(borders)
        middle = high - 1
        while low < high:
            fits = size(borders[middle]) <= self._paper.room
            low, high = (middle + 1, high) if fits else (low, middle)
            middle = (low + high) // 2
        for end in reversed(borders[max(0, low - 8) : low]):
            if (found := size(end)) <= self._paper.room:
                return end, found
        return 0, 0


@dataclass(frozen=True, slots=True)
class _Rest:
    """The text from a start on: what it repeats, then its lines without their indentation.

    `lines` are pairs of the start of a line in `text` and its start in the source.
    """

    start: Start
    text: str
    lines: tuple[tuple[int, int], ...]
    indented_until: int

    @classmethod
    def of(cls, source: str, start: Start, end: int) -> "_Rest":
        pieces, lines, at, length = [start.head], [], start.at, len(start.head)
        indented, until = start.indent, len(start.head)
        for line in source[start.at : end].splitlines(keepends=True) if indented else ():
            cut = _indentation(line, indented) if at == 0 or source[at - 1] == "\n" else 0
            if cut < indented and line.strip() and at > start.at:
                break
            lines.append((length, at + cut))
            pieces.append(line[cut:])
            at, length = at + len(line), length + len(line) - cut
            until = length
        lines.append((length, at))
        return cls(start, "".join([*pieces, source[at:end]]), tuple(lines), until)

    def __bool__(self) -> bool:
        return len(self.text) > len(self.start.head)

    def until(self, end: int) -> "_Rest":
        return replace(self, text=self.text[:end])

    def source(self, at: int) -> int:
        """The position in the source of a position in the text."""
        line, source = self.lines[max(0, bisect_right(self.lines, at, key=itemgetter(0)) - 1)]
        return source + at - line

    def is_indented(self, at: int) -> bool:
        return at < self.indented_until


def _indentation(line: str, most: int) -> int:
    return min(most, len(line) - len(line.lstrip(" ")))
