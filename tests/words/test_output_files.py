"""A link into the sandbox, which nobody can follow, is told by its words and the name of the file beside them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.words.output_files import named


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("See [the table](sandbox:/mnt/data/out.csv).", "See the table (out.csv)."),
        ("[out.csv](sandbox:/mnt/data/sub/out.csv)", "out.csv"),
        ("[my table.csv](sandbox:/mnt/data/my%20table.csv)", "my table.csv"),
        ("![The plot](sandbox:/mnt/data/plot.png) above", "The plot (plot.png) above"),
        ('[a](<sandbox:/mnt/data/a b.txt> "title")', "a (a b.txt)"),
        ("[x](sandbox:/mnt/data/*bold*.txt)", r"x (\*bold\*.txt)"),
        ("half: [the table](sandbox:/mnt/da", "half: the table"),
        ("[a](https://example.org/sandbox:/mnt)", "[a](https://example.org/sandbox:/mnt)"),
        ("sandbox:/mnt/data/out.csv", "sandbox:/mnt/data/out.csv"),
    ],
)
def test_a_link_into_the_sandbox_is_told_by_its_name(written: str, shown: str) -> None:
    assert named(written) == shown


@given(st.text().filter(lambda text: "sandbox:" not in text))
def test_what_has_no_such_link_stays(text: str) -> None:
    assert named(text) == text
