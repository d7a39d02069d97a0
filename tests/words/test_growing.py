"""Half-written Markdown is shown as what it is about to become."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.discord import render as discord
from adapters.slack import render as slack
from adapters.web.render import GrowingHtml
from bot.segments import Text
from bot.words.growing import Blocks, mended, settled_end
from bot.words.markdown import READER
from tests.words.markdown import cases

_plain = st.lists(st.sampled_from(["one", "two,", "three.", "(five)", "日本", "مرحبا"]), min_size=1, max_size=2).map(
    " ".join
)
_spans = st.recursive(
    _plain,
    lambda inner: st.builds(
        lambda mark, before, words, after: f"{mark}{before}{words} {after}{mark}",
        st.sampled_from(["**", "*", "~~", "***"]),
        st.sampled_from(["", "so "]),
        inner,
        _plain,
    ),
    max_leaves=3,
)
_line = st.lists(_plain | _spans | st.just("`a * b`"), min_size=1, max_size=2).map(" and ".join)
_lines = st.lists(_line, min_size=1, max_size=2).map("\n".join)
emphatic = st.lists(_lines | _line.map(lambda words: f"- {words}\n  - so"), min_size=1, max_size=2).map("\n\n".join)


def raw_marks(markdown: str) -> str:
    """The marks of emphasis that stand among the words when this is read."""
    inline = (child for token in READER.parse(markdown) for child in token.children or [])
    return "".join(c for child in inline if child.type == "text" for c in child.content if c in "*~")


@settings(max_examples=cases.max_examples // 2)
@given(emphatic)
def test_open_emphasis_is_never_seen_as_marks_on_any_platform(text: str) -> None:
    if raw_marks(text) or "~~~" in text:
        return  # Some marks never close: they are words; and three tildes begin code.
    letters, growth = (slack.letter(streams=True), slack.letter(), discord.letter()), GrowingHtml()
    for end in range(1, len(text)):
        for letter in letters:
            assert raw_marks("".join(letter.growing([Text(text[:end])]))) == "", text[:end]
        assert not set("*~") & set(re.sub("<code>.*?</code>", "", growth.of(text[:end]))), text[:end]


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("a **bol", "a **bol**"),
        ("a **bold *it", "a **bold *it***"),
        ("a ***x", "a ***x***"),
        ("a ***x**", "a ***x***"),
        ("a ***x** y", "a ***x** y*"),
        ("~~strike", "~~strike~~"),
        ("**two\nlines", "**two\nlines**"),
        ("- a\n- b **c", "- a\n- b **c**"),
        ("**bold*", "**bold**"),
        ("2 * 3 and f(*a", "2 * 3 and f(*a*"),
        ("see [the docs](https://exam", "see the docs"),
        ("as shown.[2]", "as shown.[2]"),
        ("```py\nx = 1", "```py\nx = 1\n```"),
        ("```py\nx = 1\n``", "```py\nx = 1\n```"),
        ("```p", ""),
        ("- a\n  ```py\n  x", "- a\n  ```py\n  x\n  ```"),
        ("so 【4:0†sour", "so"),
        ("so \\(x^2", "so"),
        ("so \\(x^2\\)", "so \\(x^2\\)"),
        ("| a | b |\n|--", ""),
        ("| a | b |\n|---|---|\n| 1 | 2 |", "| a | b |\n|---|---|\n| 1 | 2 |"),
    ],
)
def test_what_is_open_is_closed_and_what_is_half_is_left_out(written: str, shown: str) -> None:
    assert mended(written) == shown


@pytest.mark.parametrize(
    ("written", "certain"),
    [
        ("Dear <!chan", "Dear"),
        ("see [the docs](https://exam", "see"),
        ("see [the docs](https://example.org) and", "see [the docs](https://example.org) and"),
        ("so 【4:0†sour", "so"),
        ("so \\(x^2", "so"),
        ("so \\(x^2 + ", "so"),
        ("so \\(x^2\nand y\\", "so"),
        ("so \\(x\\) is", "so \\(x\\) is"),
        ("so $$x\n$$", "so"),
        ("so $x\\$y", "so"),
        ("so $5x + ", "so"),
        ("so $5x$", "so"),
        ("a \\* b", "a \\* b"),
        ("so \\[x + y \\]<@U012", "so"),
        ("a `code", "a"),
        ("costs $5 and", "costs $5 and"),
        ("costs $1,000 a month", "costs $1,000 a month"),
        ("costs $5/month or", "costs $5/month or"),
        ("the *Tour of", "the"),
        ("the *Tour of it* and", "the *Tour of it* and"),
        ("so **very bold", "so"),
        ("so **very *bold", "so"),
        ("so **very *bold* in", "so"),
        ("so **very bold**", "so"),
        ("so **very bold** it", "so **very bold** it"),
        ("so ***very** bold", "so"),
        ("so ~~very\nbold", "so"),
        ("- one\n- so **very", "- one\n- so"),
        ("so **" + "very " * 100 + "bold is", "so **" + "very " * 100 + "bold is"),
        ("a snake_case name", "a snake_case name"),
        ("2 * 3 is", "2 * 3 is"),
    ],
)
def test_text_that_may_still_change_is_held_back(written: str, certain: str) -> None:
    assert written[: settled_end(written)] == certain


def test_blocks_that_are_complete_are_read_once() -> None:
    blocks = Blocks()
    blocks.of("One.\n\nTwo.\n\nThr")
    first = blocks.complete
    assert blocks.of("One.\n\nTwo.\n\nThree.\n\nFour\nfive") == ["One.\n\n", "Two.\n\n", "Three.\n\n", "Four\nfive"]
    assert blocks.complete is first
    assert blocks.of("Another") == ["Another"]
