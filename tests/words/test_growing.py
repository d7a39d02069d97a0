"""Half-written Markdown is shown as what it is about to become."""

import pytest

from bot.words.growing import Blocks, mended, settled_end


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("a **bol", "a **bol**"),
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
        ("a `code", "a"),
        ("costs $5 and", "costs $5 and"),
        ("the *Tour of", "the"),
        ("the *Tour of it* and", "the *Tour of it* and"),
        ("so **very bold", "so"),
        ("a snake_case name", "a snake_case name"),
        ("2 * 3 is", "2 * 3 is"),
    ],
)
def test_what_may_yet_become_something_else_waits(written: str, certain: str) -> None:
    assert written[: settled_end(written)] == certain


def test_blocks_that_are_complete_are_read_once() -> None:
    blocks = Blocks()
    blocks.of("One.\n\nTwo.\n\nThr")
    first = blocks.written
    assert blocks.of("One.\n\nTwo.\n\nThree.\n\nFour\nfive") == ["One.\n\n", "Two.\n\n", "Three.\n\n", "Four\nfive"]
    assert blocks.written is first
    assert blocks.of("Another") == ["Another"]
