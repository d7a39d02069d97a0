"""The examples of the CommonMark specification go through every platform's form, and no word of them is lost."""

import html
import re
from collections.abc import Iterator

import pytest

from adapters.discord import render as discord
from adapters.slack import render as slack
from adapters.web.render import GrowingHtml
from adapters.web.render import html as web
from bot.segments import Text
from bot.words.markdown import parse
from tests.conftest import ROOT
from tests.words.markdown import MANY

SPEC = ROOT / "node_modules" / "commonmark-spec" / "spec.txt"
_EXAMPLE = re.compile(r"^`{32} example\n(.*?)^\.\n.*?^`{32}$", re.DOTALL | re.MULTILINE)


def examples() -> list[str]:
    if not SPEC.exists():
        pytest.skip("the examples of CommonMark are not installed: run npm ci")
    return [found.replace("→", "\t") for found in _EXAMPLE.findall(SPEC.read_text("utf-8"))]


def words(markdown: str) -> Iterator[str]:
    """Every word that a reader of the Markdown sees."""
    for token in parse(markdown):
        if token.type == "inline":
            said = "".join(" " if child.type.endswith("break") else child.content for child in token.children or [])
            yield from re.findall(r"\w+", said)
        elif token.type in ("fence", "code_block"):
            yield from re.findall(r"\w+", token.content)


def missing(text: str, shown: str) -> list[str]:
    """The words that stand nowhere in what is shown, however it is marked there."""
    bare = re.sub(r"[<>*_~`\\\[\]]|\u200b", "", shown)
    untagged = re.sub(r"</?\w+[^<>]*>", "", shown)
    readings = [reading(one) for one in (shown, bare, untagged) for reading in (str, html.unescape)]
    return [word for word in words(text) if not any(word.replace("_", "") in r.replace("_", "") for r in readings)]


def test_there_are_hundreds_of_examples() -> None:
    assert len(examples()) > 600


@pytest.mark.parametrize("room", ["whole", "cut"])
def test_no_word_of_an_example_is_lost_on_slack_or_discord(room: str) -> None:
    # Cutting is slow enough for every fifth one to do, but for the long proofs.
    for text in examples()[:: 5 if room == "cut" and not MANY else 1]:
        padded = text if room == "whole" else f"{'before ' * 200}\n\n{text}\n\n{'behind ' * 200}"
        for platform in (slack, discord):
            shown = "\n".join(platform.letter().whole([Text(padded)]).texts)
            assert not missing(text, shown), (platform.__name__, text, shown)


def test_no_word_of_an_example_is_lost_on_the_page_and_every_prefix_is_shown() -> None:
    for text in examples():
        assert not missing(text, web(text)), text
        growing = GrowingHtml()
        for end in range(len(text)):
            growing.of(text[:end])


def test_what_grew_stands_at_last_as_if_it_had_come_at_once() -> None:
    for text in examples():
        if not re.search(r"^[ >]*\[[^\]]+\]:", text, re.MULTILINE):  # a reference may be explained at the very end
            growing = GrowingHtml()
            for end in range(0, len(text), 5):
                growing.of(text[:end])
            ended = growing.of(f"{text}\n\nend")
            assert ended == web(f"{text}\n\nend"), text
