"""A model's words never ping anybody."""

import html
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.words.harmless import harmless

PINGS = re.compile(r"<!(channel|here|everyone|group|subteam)|<[@#][!&]?[a-z0-9]|@(channel|here|everyone|group)", re.I)
CALLS = ["<!channel>", "<!here|here>", "<!everyone>", "<!subteam^S0123>", "@channel", "@here", "@EVERYONE", "<@U012AB>"]
CALLS += ["<@!80351110224678912>", "<@&165511591545143296>", "<#C012AB|general>", "<@U012AB|ada>"]
BITS = ["<", "!", "@", "#", "&", ";", "\\", "&lt;", "&amp;", "&#60;", "&#x40;", "&#38;", "&commat;", "&excl;", "&#1;"]
BITS += ["channel", "here", "every", "one", "U012AB", "subteam^", "\u200b", " ", "lt;", "amp;", "<!", "&LT;"]

nasty = st.lists(st.sampled_from(CALLS + BITS) | st.text(max_size=3), max_size=12).map("".join)


@pytest.mark.parametrize("call", CALLS)
def test_every_known_broadcast_and_mention_is_broken(call: str) -> None:
    assert PINGS.search(call)
    assert not PINGS.search(harmless(f"Dear {call}, hello"))


@given(nasty)
@example("&lt;!channel&gt;")
@example("\\<!channel>")
@example("&amp;lt;!here>")
@example("&#38;lt;!here>")
@example("<@everyone>")
@example("@&#99;hannel")
@example("<@&commat;")
def test_nothing_pings_even_after_the_platform_unescapes_it(text: str) -> None:
    once = harmless(text)
    assert not PINGS.search(once)
    assert not PINGS.search(html.unescape(once))
    assert not PINGS.search(re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", once))


@given(nasty)
def test_doing_it_twice_changes_nothing(text: str) -> None:
    assert harmless(harmless(text)) == harmless(text)


@given(nasty)
def test_not_one_visible_character_is_lost(text: str) -> None:
    assert harmless(text).replace("\u200b", "") == text.replace("\u200b", "")


@pytest.mark.parametrize(
    "text",
    ["Ask a & b < c > d.", "mail ada@example.org", "x = a[@i]; # note", "<b>bold</b>", "<!-- hidden -->", "5 <# 6"],
)
def test_words_that_call_nobody_are_left_alone(text: str) -> None:
    assert harmless(text) == text
