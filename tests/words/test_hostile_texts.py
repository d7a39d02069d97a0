"""Texts that are hard to match: a model can write them, and rendering one must not stop the program.

A renderer that needs more than polynomial time would not end within the time limit of a test.
"""

import pytest

from adapters.discord import render as discord
from adapters.slack import render as slack
from adapters.web.render import html
from bot.segments import Text
from bot.words.citations import cited
from bot.words.output_files import named

LONG = 10_000
INTERVALS = "The bins are " + ", ".join(f"[{n}0, {n + 1}0)" for n in range(60))
CELLS = "|" + "a|" * 40 + "\n|" + "-|" * 40 + "\n"
UNITS = (
    *(
        "[",
        "![",
        "[a](",
        "](",
        "[[a",
        "[a [",
        "[x](a(",
        "【",
        "【1†",
        "`",
        "~",
        "*a ",
        "**a_b",
        "_*",
        "~~a",
        "***a**b*",
    ),
    *(
        "<",
        "<a ",
        "<!--",
        "<http://",
        "http://",
        "a@",
        "&",
        "&amp",
        "\\",
        "\\(",
        "\\[",
        "$",
        "$a ",
        "$$\n",
        "$$",
        "\\\n",
    ),
    *(
        "> ",
        "- ",
        "1. ",
        "# ",
        "|",
        "||a",
        "```\n",
        "~~~\n",
        "[a]: b\n",
        "[^1]",
        "[^1]: a\n",
        "\n",
        " ",
        "\t",
        "👩‍👩‍👧",
    ),
)
TEXTS = {
    **{unit: unit * (LONG // len(unit)) for unit in UNITS},
    **{f"a line, then {mark}": f"Here:\n\n{mark * LONG}" for mark in "`~*_-=#>|"},
    "intervals on one line": f"{INTERVALS}.\nEach holds ten values",
    "unclosed brackets": "[1, " * 60 + "\nrest",
    "a link with many blanks": f"[a]({' ' * LONG}x",
    "a title with many blanks": f"[a](b{' ' * LONG}x",
    "code of every length": " ".join("`" * n for n in range(1, 200)),
    "a wide table": CELLS + "|\n" * 200,
    "a header longer than a message": f"|{'word ' * 3000}|b|\n|-|-|\n" + "|x|y|\n" * 500,
    "lists in lists": "".join("  " * n + "- a\n" for n in range(150)),
    "quotes in quotes": "\n".join(">" * n + "a" for n in range(200)),
    "a fence of long lines": f"```{'x' * 300}\n{'y' * LONG}",
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=map(ascii, TEXTS))
def test_no_text_stops_the_program(text: str) -> None:
    words = [Text(named(cited(text, growing=True)[0]))]
    for render in (slack, discord):
        render.letter().growing(words)
        render.letter().whole(words)
    slack.letter(streams=True).growing(words)
    slack.letter().growing(words, edited=True)
    html(text)
