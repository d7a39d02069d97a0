"""Nothing that a person or a model writes is too odd to be kept, and nothing whole is changed."""

from hypothesis import given
from hypothesis import strategies as st

from storage.text import Joined, storable

UNITS = st.text(st.characters(exclude_categories=()))
# The encoding leaves halves of characters out.
WHOLE = st.text(st.characters(codec="utf-8", exclude_characters="\0"))


@given(UNITS)
def test_every_text_can_be_kept(text: str) -> None:
    storable(text).encode("utf-8")
    assert "\0" not in storable(text)


@given(WHOLE)
def test_text_that_can_be_kept_stays_as_it_is(text: str) -> None:
    assert storable(text) == text


@given(WHOLE, st.data())
def test_a_text_cut_anywhere_comes_together_whole(text: str, data: st.DataObject) -> None:
    """Some servers count in UTF-16 and cut an emoji in two."""
    raw = text.encode("utf-16-le")
    units = [raw[i : i + 2].decode("utf-16-le", "surrogatepass") for i in range(0, len(raw), 2)]
    joined, pieces = Joined(), []
    while units:
        size = data.draw(st.integers(1, len(units)))
        pieces.append(joined.add("".join(units[:size])))
        units = units[size:]
    assert "".join(pieces) == text
