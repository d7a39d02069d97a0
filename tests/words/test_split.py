"""A long answer comes in parts, whole."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.words.split import split

texts = st.text(st.sampled_from("ab é\u0301\u200d👩🏽🚀\n ") | st.characters(codec="utf-8"), max_size=200)


@given(texts, st.integers(1, 50))
def test_the_joined_parts_are_the_text_and_each_part_fits(text: str, limit: int) -> None:
    """Answers over the platform's limit were cut in silence."""
    parts = split(text, limit)
    assert "".join(parts) == text
    assert all(0 < len(part) <= limit for part in parts)


def test_it_cuts_after_a_paragraph_then_a_line_then_a_word() -> None:
    assert split("one two\n\nthree four", 12) == ["one two\n\n", "three four"]
    assert split("one two\nthree four", 12) == ["one two\n", "three four"]
    assert split("one two three", 9) == ["one two ", "three"]


def test_a_paragraph_far_ahead_does_not_make_a_tiny_part() -> None:
    assert split("a\n\n" + "word " * 10, 40)[0] == "a\n\nword word word word word word word "


def test_a_word_longer_than_a_part_is_cut_between_visible_characters() -> None:
    assert split("abc👩🏽\u200d🚀xyz", 5) == ["abc", "👩🏽\u200d🚀x", "yz"]
    assert split("abe\u0301f", 3) == ["ab", "e\u0301f"]


def test_short_text_is_one_part_and_no_text_is_none() -> None:
    assert split("hello", 5) == ["hello"]
    assert split("", 5) == []


def test_a_limit_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        split("a", 0)
