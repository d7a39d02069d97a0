"""A reply that grows as a native stream: seen word by word, ended in order, whole whatever Slack refuses."""

import asyncio
import contextlib
from itertools import pairwise
from typing import Any

import pytest

from adapters.slack import SlackAdapter, stream
from adapters.slack import session as session_status
from adapters.slack.render import LIMIT
from bot.adapter import PlatformError
from bot.budget import Budget
from bot.segments import Notice, Snapshot, Step, Text
from storage.records import Part
from tests.simulators.slack.client import SlackPeople
from tests.simulators.slack.records import Session
from tests.slack.asking import Asked, asking


@pytest.fixture
async def asked(adapter: SlackAdapter, slack: SlackPeople) -> Asked:
    return await asking(adapter, slack, streams=True)


async def grow(asked: Asked, reply: object, text: str) -> None:
    await reply.show(Snapshot((Text(text),)))  # type: ignore[attr-defined]
    await asked.slack.answer(asked.channel, asked.ts, text.rstrip())


async def session(asked: Asked) -> Session:
    sessions = (await asked.slack.state()).sessions
    return next(s for s in sessions if (s.channel, s.thread_ts) == (asked.channel, asked.ts))


async def test_a_stream_shows_the_status_then_the_text_then_the_final_answer(asked: Asked) -> None:
    reply = asked.reply()
    await reply.show(Snapshot(status="Thinking…"))
    await asked.slack.until(
        lambda now: any(s.status == "processing" for s in now.sessions if s.channel == asked.channel)
    )
    assert await asked.texts() == []
    await grow(asked, reply, "Two and")
    await grow(asked, reply, "Two and two")
    assert (await session(asked)).status == "processing"
    await reply.finish([Text("Two and two is four."), Notice("often wrong")])
    await reply.aclose()
    (message,) = await asked.replies()
    assert message.versions == ["Two and", "Two and two", "Two and two is four.\n\n_often wrong_"]
    assert (message.stream, message.recipient) == ("stopped", asked.author)
    assert message.metadata == {
        "event_type": "threadline_turn",
        "event_payload": {"turn": f"tag-{asked.id}", "part": 1},
    }
    assert [state for _, _, state in asked.kept] == ["streaming", "final"]
    assert (await session(asked)).status == "active"
    assert await asked.calls("chat.postMessage") == await asked.calls("chat.update") == []


async def test_an_immediate_answer_is_posted_once(asked: Asked) -> None:
    reply = asked.reply()
    await reply.show(Snapshot(status="Thinking…"))
    await reply.finish([Text("Four.")])
    await reply.aclose()
    assert await asked.texts() == ["Four."]
    assert await asked.calls("chat.startStream") == []
    assert (await session(asked)).status == "active"


async def test_text_that_may_become_a_ping_is_held_back(asked: Asked) -> None:
    reply = asked.reply()
    await grow(asked, reply, "Dear")
    await reply.show(Snapshot((Text("Dear <!chan"),)))
    await reply.show(Snapshot((Text("Dear <!channel> all"),)))
    await reply.finish([Text("Dear <!channel> all")])
    (message,) = await asked.replies()
    assert message.pings == []
    assert message.text == "Dear <\u200b!channel> all"
    assert await asked.calls("chat.update") == []


async def test_a_long_answer_continues_in_a_new_message_and_shown_text_stays(asked: Asked) -> None:
    """Otherwise text beyond the stream's limit would be lost."""
    lines = [f"Line {number} of the long answer, ünd mehr.\n" for number in range(600)]
    reply = asked.reply()
    for count in range(50, 601, 50):
        await reply.show(Snapshot((Text("".join(lines[:count])),)))
        await asked.slack.answer(asked.channel, asked.ts, lines[count - 1].rstrip())
    await reply.finish([Text("".join(lines))])
    messages = await asked.replies()
    assert "".join(await asked.texts()) == "".join(lines)
    assert len(messages) == 3
    assert all(len(message.text.encode()) <= LIMIT for message in messages)
    assert all(later.startswith(earlier) for m in messages for earlier, later in pairwise(m.versions))
    assert all(message.text.endswith("\n") for message in messages)
    assert [number for number, _, state in asked.kept if state == "final"] == [1, 2, 3]


async def test_text_that_does_not_fit_into_the_stream_gets_its_own_messages(asked: Asked) -> None:
    answer = "".join(f"Line {number} of the long answer.\n" for number in range(1_000))
    reply = asked.reply()
    await grow(asked, reply, answer[:300])
    await reply.finish([Text(answer)])
    await reply.finish([Text(answer)])
    assert "".join(await asked.texts()) == answer
    assert len(await asked.calls("chat.startStream")) == 1


async def test_an_old_stream_is_continued_by_a_new_one(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    """Slack ends a stream after about five minutes, and further text would be lost."""
    reply = asked.reply()
    await grow(asked, reply, "One. ")
    monkeypatch.setattr(stream, "LIFE_SECONDS", -1.0)
    await reply.show(Snapshot((Text("One. Two."),)))
    await asked.slack.answer(asked.channel, asked.ts, "Two.")
    await reply.finish([Text("One. Two. Three.")])
    assert "".join(await asked.texts()) == "One. Two. Three."
    assert len(await asked.replies()) > 1


async def test_a_stream_ends_before_the_first_link_and_edits_continue(asked: Asked) -> None:
    """Slack's methods for streams cannot suppress previews."""
    reply = asked.reply()
    await grow(asked, reply, "Look there:")
    await grow(asked, reply, "Look there: https://example.org/a.png and")
    assert (await session(asked)).status == "processing"
    await grow(asked, reply, "Look there: https://example.org/a.png and here")
    await reply.finish([Text("Look there: https://example.org/a.png and here."), Notice("often wrong")])
    await reply.aclose()
    (message,) = await asked.replies()
    assert all(later.startswith(earlier) for earlier, later in pairwise(message.versions))
    assert message.versions[-1] == "Look there: https://example.org/a.png and here.\n\n_often wrong_"
    assert (message.stream, message.previews) == ("stopped", False)
    assert [state for _, _, state in asked.kept] == ["streaming", "growing", "final"]
    assert (await session(asked)).status == "active"


@pytest.mark.parametrize("end", ["Four, see https://example.org.", "Four.\n\nhttps://example.org"])
async def test_a_link_at_the_end_of_an_answer_is_not_streamed(asked: Asked, end: str) -> None:
    reply = asked.reply()
    await grow(asked, reply, "Four")
    await reply.finish([Text(end)])
    await reply.aclose()
    (message,) = await asked.replies()
    assert (message.text, message.previews) == (end, False)
    assert (await session(asked)).status == "active"


async def test_an_answer_that_begins_with_a_link_is_posted_without_previews(asked: Asked) -> None:
    reply = asked.reply()
    await grow(asked, reply, "https://example.org/a.png is")
    await reply.finish([Text("https://example.org/a.png is it.")])
    (message,) = await asked.replies()
    assert (message.stream, message.previews) == ("", False)
    assert await asked.calls("chat.startStream") == []


async def test_after_a_link_a_running_step_is_shown_below_the_text(asked: Asked) -> None:
    """A stream shows steps by itself; edits must include them."""
    reply = asked.reply()
    words = Text("Look there: https://example.org and")
    await grow(asked, reply, "Look there:")
    await reply.show(Snapshot((words, Step("Running code…", key="one"))))
    await asked.slack.answer(asked.channel, asked.ts, "Running code")
    await reply.show(Snapshot((words, Step("Ran code", "done", key="one"))))
    await reply.finish([Text("Look there: https://example.org and here.")])
    (message,) = await asked.replies()
    assert "Look there: https://example.org and\n\n_Running code…_" in message.versions
    assert message.text == "Look there: https://example.org and here."


async def test_a_steps_title_pings_nobody(asked: Asked) -> None:
    """The model can invent the name of a function, and the step's title contains that name."""
    reply = asked.reply()
    await reply.show(Snapshot((Text("One moment: "), Step("Calling <!channel>…", key="one"))))
    await asked.slack.answer(asked.channel, asked.ts, "One moment")
    await asked.slack.until(lambda now: any(message.tasks for message in now.messages))
    titles = [task["title"] for message in await asked.replies() for task in message.tasks.values()]
    assert [(title[:8], "<!channel>" in title) for title in titles] == [("Calling ", False)]
    await reply.finish([Text("One moment: there.")])


async def test_after_a_link_a_shutdown_is_announced_below_the_text(asked: Asked) -> None:
    reply = asked.reply()
    await grow(asked, reply, "Look there:")
    await grow(asked, reply, "Look there: https://example.org and")
    await reply.leave("Continuing soon.")
    await reply.aclose()
    assert await asked.texts() == ["Look there: https://example.org and\n\n_Continuing soon._"]


async def test_an_expired_stream_is_finished_by_an_edit(asked: Asked) -> None:
    """Slack ends a stream after about five minutes, and further text would be lost."""
    reply = asked.reply()
    await grow(asked, reply, "One.")
    await asked.slack.clock(advance=301)
    await reply.finish([Text("One. Two.")])
    await reply.aclose()
    assert await asked.texts() == ["One. Two."]
    assert (await session(asked)).status == "active"


async def test_after_the_stop_button_the_partial_text_stays_with_its_label(asked: Asked) -> None:
    reply = asked.reply()
    await grow(asked, reply, "Half an")
    await asked.slack.stop(asked.author, asked.channel, asked.ts)
    await reply.show(Snapshot((Text("Half an answer"),)))
    await reply.finish([Text("Half an answer"), Notice("Stopped.")])
    await reply.aclose()
    assert await asked.texts() == ["Half an answer\n\n_Stopped._"]
    assert (await session(asked)).status == "active"


async def test_text_that_appears_at_once_needs_no_request_for_the_status(
    adapter: SlackAdapter, slack: SlackPeople, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slack sets the status itself when a stream starts; with many questions at once every request delays an answer."""
    monkeypatch.setattr(session_status, "PATIENCE", 3600.0)
    first, second = [await asking(adapter, slack, streams=True) for _ in range(2)]
    for asked, requests in ((first, 1), (second, 0)):  # the first tells whether this workspace has the status
        reply = asked.reply()
        await reply.show(Snapshot(status="Thinking…"))
        await grow(asked, reply, "Half an")
        assert (await session(asked)).status == "processing"
        await reply.finish([Text("Half an answer.")])
        await reply.aclose()
        assert (await session(asked)).status == "active"
        assert len(await asked.calls("agents.sessions.setStatus")) == requests


async def test_every_turn_without_text_yet_shows_that_the_bot_is_working(
    adapter: SlackAdapter, slack: SlackPeople, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_status, "PATIENCE", 0.0)
    for _ in range(2):  # the second turn already knows that this workspace has the status
        asked = await asking(adapter, slack, streams=True)
        reply = asked.reply()
        await reply.show(Snapshot(status="Thinking…"))
        await asked.called("agents.sessions.setStatus")
        assert (await session(asked)).status == "processing"
        await reply.finish([Text("Four.")])
        await reply.aclose()
        assert (await session(asked)).status == "active"


@pytest.mark.parametrize("error", ["unknown_method", "feature_not_enabled", "channel_type_not_supported"])
async def test_without_streams_the_answer_grows_by_edits(asked: Asked, error: str) -> None:
    await asked.slack.fault("chat.startStream", error=error)
    reply = asked.reply()
    await reply.show(Snapshot((Text("Half"),)))
    await asked.slack.until(lambda now: any(c.response.get("error") == error for c in now.calls))
    await grow(asked, reply, "Half an")
    await reply.finish([Text("Half an answer.")])
    assert await asked.texts() == ["Half an answer."]


async def test_without_a_session_status_a_message_shows_the_progress(asked: Asked) -> None:
    await asked.slack.fault("agents.sessions.setStatus", error="not_authorized")
    reply = asked.reply()
    await reply.show(Snapshot(status="Thinking…"))
    await asked.slack.answer(asked.channel, asked.ts, "_Thinking…_")
    await reply.finish([Text("Four.")])
    await reply.aclose()
    assert await asked.texts() == ["Four."]
    assert len(await asked.calls("agents.sessions.setStatus")) == 1


async def test_beyond_the_limit_of_stream_starts_answers_are_posted_once(
    asked: Asked, adapter: SlackAdapter, slack: SlackPeople
) -> None:
    while adapter._workspace.starts.take():
        pass
    reply = asked.reply()
    await reply.show(Snapshot((Text("Half an"),)))
    await reply.finish([Text("Half an answer.")])
    assert await asked.texts() == ["Half an answer."]
    assert len(await asked.calls("chat.postMessage")) == 1
    assert await asked.calls("chat.startStream") == await asked.calls("chat.update") == []


@pytest.mark.parametrize("fault", [{"error": "internal_error"}, {"status": 429, "times": 3, "retry_after": 0}])
async def test_a_stream_that_slack_does_not_end_at_once_is_ended_before_the_first_edit(
    asked: Asked, fault: dict[str, Any]
) -> None:
    """Slack refuses to edit a message whose stream is open, and people would get an apology instead of the answer."""
    reply = asked.reply()
    await grow(asked, reply, "Look at")
    await asked.slack.fault("chat.stopStream", **fault)
    await reply.finish([Text("Look at [this](https://example.com/x).")])
    await reply.aclose()
    assert await asked.texts() == ["Look at [this](https://example.com/x)."]


@pytest.mark.parametrize("known", [True, False])
async def test_after_a_crash_an_open_stream_continues_in_the_same_message(asked: Asked, known: bool) -> None:
    """Otherwise a restart would lose the answer or post it twice."""
    crashed = asked.reply()
    await grow(asked, crashed, "half an")
    (message,) = await asked.replies()
    ref = f"slack:T0THREAD:{asked.channel}:{message.ts}"
    reply = asked.reply(suspect=True, parts=[Part(asked.id, 1, ref, "streaming")] if known else [])
    await reply.find()
    await reply.finish([Text("whole")])
    await reply.aclose()
    assert await asked.texts() == ["whole"]
    (message,) = await asked.replies()
    assert (message.stream, bool(message.metadata)) == ("stopped", True)
    assert asked.kept[-1] == (1, ref, "final")
    assert (await session(asked)).status == "active"


@pytest.mark.parametrize("method", ["chat.startStream", "chat.appendStream", "chat.stopStream"])
@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_lost_connection_loses_and_repeats_no_text(asked: Asked, method: str, when: str) -> None:
    reply = asked.reply()
    if method != "chat.startStream":
        await grow(asked, reply, "One")
    await asked.slack.fault(method, lose=when)
    await reply.show(Snapshot((Text("One two"),)))
    with contextlib.suppress(PlatformError):
        await reply.finish([Text("One two three.")])
    await reply.aclose()
    await asked.slack.forget_faults()
    again = asked.reply(suspect=True, parts=[Part(asked.id, n, ref, state) for n, ref, state in asked.kept[-1:]])
    await again.find()
    await again.finish([Text("One two three.")])
    await again.aclose()
    assert await asked.texts() == ["One two three."]


async def test_a_shutdown_is_announced_and_the_next_process_finishes_the_answer(asked: Asked) -> None:
    reply = asked.reply()
    await grow(asked, reply, "Half an")
    await reply.leave("Back soon.")
    await reply.aclose()
    assert await asked.texts() == ["Half an\n\n_Back soon._"]
    again = asked.reply(suspect=True, parts=[Part(asked.id, *asked.kept[-1])])
    await again.find()
    await again.finish([Text("Half an answer.")])
    assert await asked.texts() == ["Half an answer."]


async def test_a_shutdown_before_an_answer_goes_on_leaves_what_was_written_before(asked: Asked) -> None:
    reply = asked.reply()
    await grow(asked, reply, "Half an")
    await reply.leave("Back soon.")
    await reply.aclose()
    again = asked.reply(suspect=True, parts=[Part(asked.id, *asked.kept[-1])])
    await again.find()
    await again.leave("Back soon.")
    await again.aclose()
    assert await asked.texts() == ["Half an\n\n_Back soon._"]


async def test_a_shutdown_before_an_answer_goes_on_is_announced_in_a_stream_that_is_still_open(asked: Asked) -> None:
    killed = asked.reply()
    await grow(asked, killed, "Half an")
    again = asked.reply(suspect=True, parts=[Part(asked.id, *asked.kept[-1])])
    await again.find()
    await again.leave("Back soon.")
    await again.aclose()
    (message,) = await asked.replies()
    assert (message.text, message.stream) == ("Half an\n\n_Back soon._", "stopped")


async def test_the_status_is_reset_if_the_last_part_is_posted_beyond_the_limit_of_streams(asked: Asked) -> None:
    asked.adapter._workspace.starts = Budget(1, 3600.0)
    reply, answer = asked.reply(), "Word. " * 20 + "\n\n" + "A line of words.\n\n" * (LIMIT // 16)
    await grow(asked, reply, "Word. " * 20)
    await reply.show(Snapshot((Text(answer),)))
    await asked.called("chat.stopStream")
    await reply.finish([Text(answer)])
    await reply.aclose()
    assert len(await asked.replies()) == 2
    assert (await session(asked)).status == "active"


async def test_many_replies_at_once_share_the_limits_and_none_is_lost(
    adapter: SlackAdapter, slack: SlackPeople
) -> None:
    await slack.settings(limits=True)
    await slack.clock(rate=10)
    questions = [await asking(adapter, slack, streams=True) for _ in range(30)]

    async def one(asked: Asked) -> None:
        reply = asked.reply()
        await reply.show(Snapshot(status="Thinking…"))
        await reply.show(Snapshot((Text("Half an"),)))
        await reply.finish([Text("Half an answer.")])
        await reply.aclose()

    try:
        await asyncio.gather(*map(one, questions))
        for asked in questions:
            assert await asked.texts() == ["Half an answer."]
        calls = (await slack.state()).calls
        assert len([call for call in calls if call.method == "chat.startStream"]) <= 40
        assert any(call.status == 429 for call in calls)
    finally:
        await slack.settings(limits=False)
        await slack.clock(rate=1, advance=60)
