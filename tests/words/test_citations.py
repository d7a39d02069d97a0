"""Sources are footnotes; their marks never show, not even half of one."""

from hypothesis import given
from hypothesis import strategies as st

from bot.words.citations import cited

ANSWER = "Dogs stay out【4:0†rules.pdf】, cats may enter【4:1†cats.md】【4:0†rules.pdf】. 【日本】 stays."


def test_each_source_has_one_number_in_the_order_of_the_text() -> None:
    text, markers = cited(ANSWER)
    assert text == "Dogs stay out[1], cats may enter[2][1]. 【日本】 stays."
    assert markers == ["【4:0†rules.pdf】", "【4:1†cats.md】"]


@given(st.integers(0, len(ANSWER)))
def test_no_half_mark_shows_while_it_grows_and_what_was_shown_stays(end: int) -> None:
    shown, _ = cited(ANSWER[:end], growing=True)
    assert "†" not in shown
    assert "【" not in shown.replace("【日本】", "")
    assert cited(ANSWER)[0].startswith(shown)
