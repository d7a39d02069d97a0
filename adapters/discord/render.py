"""Turns segments into the Markdown of Discord messages. Pure."""

from bot.words.harmless import BREAK, harmless
from bot.words.letter import Letter, Style
from bot.words.pages import Pages, Paper
from bot.words.rewrite import Dialect
from bot.words.tables import Grid

# Discord's limit for a message's content.
LIMIT = 2_000
# A longer answer is attached as a file as well.
MOST_MESSAGES = 5
CONTINUED = "-# continued\n"
TOGETHER = "-# Answered together with the next question."
NOTHING = "-# (no words)"
# The columns of a code block that fit a narrow window.
_WIDEST = 64
_ASKED = 200


def _table(grid: Grid) -> str:
    """A table, aligned in a code block, or row by row if it is too wide."""
    lines = grid.records() if _is_wide(grid) else grid.aligned()
    return _code("\n".join(lines), "")


def _code(text: str, language: str) -> str:
    """A code block. Discord knows only three backticks, so an invisible character breaks up those in the text."""
    return f"```{language}\n{text.replace('```', '``' + BREAK + '`')}\n```"


def _is_wide(grid: Grid) -> bool:
    return grid.width > _WIDEST


DIALECT = Dialect(headings=3, table=_table, rule="──────────", code=_code, references=False)
_PAPER = Paper(LIMIT, DIALECT.write, continued=CONTINUED)


def letter(*, asked: str = "") -> Letter:
    """A reply as messages, each within Discord's limit; `asked` is quoted above it."""
    return Letter(Style(_PAPER, small, MOST_MESSAGES, lead=f"{_quote(asked)}\n" if asked else "", as_file=_is_wide))


def small(words: str) -> str:
    return "\n".join(f"-# {line}" for line in words.split("\n") if line.strip())


def private(text: str) -> list[str]:
    """Text as messages, for the answer to a command."""
    return [part.written for part in Pages(Paper(LIMIT, DIALECT.write)).end(text)]


def _quote(asked: str) -> str:
    words = " ".join(harmless(asked).split())
    return "> " + (words if len(words) <= _ASKED else words[: _ASKED - 1] + "…")
