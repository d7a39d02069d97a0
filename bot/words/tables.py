"""Formats a Markdown table as aligned text, as rows of named values, or as CSV."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from markdown_it.token import Token
from wcwidth import wcswidth

from bot.words.markdown import words_of

Alignment = Literal["left", "center", "right"]
_RULE = "─"


@dataclass(frozen=True, slots=True)
class Grid:
    """The cells of a table as plain text, the header first; every row has as many cells as the header."""

    rows: tuple[tuple[str, ...], ...]
    alignments: tuple[Alignment, ...]

    @property
    def width(self) -> int:
        """The width in columns of a fixed-width font."""
        return sum(self._widths()) + 2 * (len(self._widths()) - 1)

    def aligned(self) -> list[str]:
        """Aligned lines with a rule below the header; wide characters count as two columns."""
        widths = self._widths()
        lines = ["  ".join(map(_padded, row, widths, self.alignments)).rstrip() for row in self.rows]
        return [lines[0], "  ".join(_RULE * width for width in widths), *lines[1:]]

    def records(self) -> list[str]:
        """A line for each row, every value with the name of its column; for tables too wide to align."""
        head = self.rows[0]
        return [
            " · ".join(f"{name}: {value}" if name else value for name, value in zip(head, row, strict=True) if value)
            for row in self.rows[1:]
        ] or [" · ".join(head)]

    def csv(self) -> str:
        """CSV for a spreadsheet; cells that look like formulas are marked as text."""
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows([_inert(cell) for cell in row] for row in self.rows)
        return out.getvalue()

    def _widths(self) -> list[int]:
        return [max(1, *map(_width, column)) for column in zip(*self.rows, strict=True)]


def grid(tokens: Sequence[Token]) -> Grid:
    """The table that begins with the first of these tokens, a `table_open`."""
    rows: list[list[str]] = []
    alignments: list[Alignment] = []
    for at, token in enumerate(tokens):
        if token.type == "table_close":
            break
        if token.type == "tr_open":
            rows.append([])
        elif token.type in ("th_open", "td_open"):
            rows[-1].append(words_of(tokens[at + 1]))
        if token.type == "th_open":
            alignments.append(_alignment(token))
    columns = len(alignments)
    return Grid(tuple(tuple((row + [""] * columns)[:columns]) for row in rows), tuple(alignments))


def grids(tokens: Sequence[Token]) -> Iterator[tuple[Token, Grid]]:
    """Every table among these tokens, with the token that opens it."""
    for at, token in enumerate(tokens):
        if token.type == "table_open":
            yield token, grid(tokens[at:])


def _alignment(cell: Token) -> Alignment:
    style = str(cell.attrs.get("style", ""))
    return "right" if style.endswith("right") else "center" if style.endswith("center") else "left"


def _width(text: str) -> int:
    width = wcswidth(text)
    return width if width >= 0 else len(text)


def _padded(text: str, width: int, alignment: Alignment) -> str:
    room = width - _width(text)
    left = {"left": 0, "center": room // 2, "right": room}[alignment]
    return " " * left + text + " " * (room - left)


def _inert(cell: str) -> str:
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") and not _is_number(cell) else cell


def _is_number(cell: str) -> bool:
    try:
        float(cell.replace(",", ""))
    except ValueError:
        return False
    return True
