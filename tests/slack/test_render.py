"""A reply as Slack messages: harmless, whole, within the limit."""

from adapters.slack.render import LIMIT, growing, parts, private
from bot.segments import Notice, Snapshot, Text
from tests.simulators.slack.world import pings


def test_a_label_is_a_small_last_line_and_a_problem_is_plain_text() -> None:
    assert parts([Text("Yes."), Notice("often wrong")]) == ["Yes.\n\n_often wrong_"]
    assert parts([Notice("No model.", kind="problem")]) == ["No model."]


def test_what_a_model_writes_calls_nobody() -> None:
    text = parts([Text("<!channel> look, <@U012AB> and @here")])[0]
    assert pings(text) == []
    assert "@here" not in text


def test_a_long_answer_comes_whole_in_parts_within_the_limit() -> None:
    answer = "A line of words.\n" * 2_000
    found = parts([Text(answer), Notice("label")])
    assert "".join(found) == f"{answer}\n\n_label_"
    assert len(found) == 3
    assert all(len(part) <= LIMIT for part in found)


def test_there_is_always_something_to_show() -> None:
    assert parts([]) == ["_(no words)_"]
    assert growing(Snapshot()) == "_…_"
    assert growing(Snapshot(status="Thinking…")) == "_Thinking…_"
    assert len(growing(Snapshot((Text("x" * 50_000),)))) == LIMIT


def test_a_private_answer_is_slacks_own_markup() -> None:
    assert private("a < b & c > d") == "a &lt; b &amp; c &gt; d"
