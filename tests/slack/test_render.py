"""A reply as Slack messages: harmless, whole, within the limit."""

from itertools import pairwise

from hypothesis import given

from adapters.slack.render import CONTINUED, LIMIT, letter, private, size
from bot.segments import Notice, Segment, Source, Sources, Text
from tests.simulators.slack.world import pings
from tests.words.markdown import cases, markdown


def whole(*segments: Segment) -> list[str]:
    return letter().whole(segments).texts


def test_a_label_is_a_small_last_line_and_a_problem_is_plain_text() -> None:
    assert whole(Text("Yes."), Notice("often wrong")) == ["Yes.\n\n_often wrong_"]
    assert whole(Notice("No model.", kind="problem")) == ["No model."]


def test_a_models_text_pings_nobody() -> None:
    (text,) = whole(Text("<!channel> look, <@U012AB> and @here"))
    assert pings(text) == []
    assert "@here" not in text


@cases
@given(markdown)
def test_every_prefix_pings_nobody_and_a_stream_only_gets_longer(text: str) -> None:
    streamed, edited, seen = letter(streams=True), letter(), [""]
    for end in range(0, len(text), 37):
        (now,) = streamed.growing([Text(text[:end])]) or [""]
        assert now.startswith(seen[-1])
        assert pings(now) == [ping for part in edited.growing([Text(text[:end])]) for ping in pings(part)] == []
        seen.append(now)
    last = streamed.whole([Text(text)]).texts or [""]
    assert last[0].startswith(seen[-1])
    assert all(later.startswith(earlier) for earlier, later in pairwise(seen))


def test_a_long_answer_is_split_into_parts_within_the_limit() -> None:
    answer = "A line of words.\n" * 2_000
    found = whole(Text(answer), Notice("label"))
    assert "".join(part.removeprefix(CONTINUED) for part in found) == f"{answer}\n_label_"
    assert len(found) == 4
    assert all(size(part) <= LIMIT for part in found)


def test_tables_and_headings_are_sent_as_slack_markdown() -> None:
    """Otherwise people would see raw Markdown."""
    text = "#### Deep\n\n| a | b |\n|---|---|\n| 1 | 2 |"
    assert whole(Text(text)) == [text]


def test_sources_are_listed_under_the_answer() -> None:
    notes = Sources((Source(1, "<!channel>.pdf", "No *dogs*.", "https://e.org/@here"),))
    (text,) = whole(Text("No.[1]"), notes)
    assert pings(text) == []
    assert text == "No.[1]\n\n_[1] [\\<\u200b!channel\\>.pdf](https://e.org/%40here): “No \\*dogs\\*.”_"


def test_a_private_answer_uses_slacks_mrkdwn() -> None:
    assert private("a < b & c > d") == "a &lt; b &amp; c &gt; d"
    assert private("# Title\n\n**bold** [docs](https://e.org)\n\n- one\n- two") == (
        "*Title*\n\n*bold* <https://e.org|docs>\n\n• one\n• two"
    )
