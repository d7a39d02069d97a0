"""What a platform lacks is replaced and links show where they lead, wherever in a line they stand."""

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import example, given
from markdown_it.token import Token

from bot.words.links import shows_another
from bot.words.markdown import parse
from bot.words.rewrite import Dialect
from tests.words.markdown import cases, markdown


@cases
@given(markdown)
@example("**[bank.com](https://evil.org)**")
@example("**see [bank.com**](https://evil.org)")
@example("[bank&#46;com](https://evil.org)")
def test_no_link_shows_another_address_than_its_own(text: str) -> None:
    for references in (True, False):
        for line in parse(Dialect(references=references).write(text)):
            for address, words in links(line.children or []):
                assert not shows_another(words, address)


def links(children: Sequence[Token]) -> Iterator[tuple[str, str]]:
    """The address and the text of each link."""
    opened = ""
    for token in children:
        if token.type == "link_open":
            opened, words = str(token.attrs["href"]), ""
        elif token.type == "link_close":
            yield opened, words
            opened = ""
        elif opened:
            words += token.content


@pytest.mark.parametrize("mark", ["**", "__", "~~", "*"])
@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("so \\(x^2\\)", "so x²"),
        ("![a cat](https://e.org/c.png)", "[a cat](https://e.org/c.png)"),
        ("so【4:0†source】", "so"),
        ("[bank.com](https://evil.org)", "`bank.com` (https://evil.org)"),
    ],
)
def test_emphasis_hides_no_construct(mark: str, written: str, shown: str) -> None:
    assert Dialect().write(f"It is {mark}{written}{mark}.") == f"It is {mark}{shown}{mark}."
