"""A thread's name is its question, in one plain line."""

import pytest

from adapters.discord.incoming import position, thread_name


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("how many legs?", "how many legs?"),
        ("two\nlines   and spaces ", "two lines and spaces"),
        ("ask <@123>, in <#456> <a:party:789> </assistant use:12> <t:1:R>", "ask , in :party: assistant use"),
        ("<@123>", "Question"),
        ("word " * 30, f"{'word ' * 18}word…"),
        ("x" * 200, f"{'x' * 99}…"),
    ],
)
def test_a_threads_name_is_its_question_in_a_hundred_characters(question: str, name: str) -> None:
    assert thread_name(question) == name
    assert len(thread_name(question)) <= 100


def test_positions_sort_like_ids() -> None:
    assert position(99_999_999_999_999_999) < position(100_000_000_000_000_000)
