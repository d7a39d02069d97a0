"""A reply as Discord messages: harmless, whole, within the limit."""

from hypothesis import given
from hypothesis import strategies as st

from adapters.discord.render import LIMIT, parts, private, whole
from bot.segments import Notice, Text


def test_a_label_is_a_small_last_line_and_a_problem_is_plain_text() -> None:
    assert whole([Text("Yes."), Notice("often wrong")]) == ["Yes.\n\n-# often wrong"]
    assert whole([Notice("No model.", kind="problem")]) == ["No model."]


def test_what_was_asked_by_command_stands_above_the_answer() -> None:
    assert whole([Text("Because.")], asked="why\n@everyone?") == ["> why @\u200beveryone?\nBecause."]
    assert len(whole([Text("Because.")], asked="why " * 1_000)[0]) < 250


def test_a_finished_reply_is_never_nothing_and_a_growing_one_may_be() -> None:
    assert whole([]) == ["-# (no words)"]
    assert parts([]) == parts([Text(" \n")]) == parts([], asked="why?") == []


@given(st.lists(st.text(alphabet="ab \n@`", max_size=3_000), min_size=1, max_size=4))
def test_more_text_changes_only_the_last_part(pieces: list[str]) -> None:
    """A message that was followed by another is never edited again while the reply grows."""
    before: list[str] = []
    for count in range(1, len(pieces) + 1):
        now = parts([Text("".join(pieces[:count]))])
        assert all(len(part) <= LIMIT for part in now)
        assert now[: max(len(before) - 1, 0)] == before[:-1]
        before = now


def test_an_answer_to_a_command_calls_nobody() -> None:
    assert private("there is no @everyone") == ["there is no @\u200beveryone"]
