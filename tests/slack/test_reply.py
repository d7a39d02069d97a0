"""A reply in a thread: a placeholder at once, growth, the whole answer, nothing twice. Over the wire."""

import asyncio
import time
from dataclasses import replace
from itertools import pairwise

import pytest

from adapters.slack import SlackAdapter
from adapters.slack.render import CONTINUED, MOST_MESSAGES
from bot.adapter import PlatformError
from bot.segments import Notice, Snapshot, Text
from storage.records import Part
from tests.simulators.slack.client import SlackPeople
from tests.slack.asking import Asked, asking


@pytest.fixture
async def asked(adapter: SlackAdapter, slack: SlackPeople) -> Asked:
    """As where Slack has no native streams: replies grow by edits."""
    return await asking(adapter, slack, streams=False)


async def test_a_placeholder_grows_into_the_answer(asked: Asked) -> None:
    reply = asked.reply()
    await reply.show(Snapshot(status="Thinking…"))
    await asked.slack.answer(asked.channel, asked.ts, "_Thinking…_")
    await reply.show(Snapshot((Text("Two and"),)))
    await asked.slack.answer(asked.channel, asked.ts, "Two and")
    await reply.finish([Text("Two and two is four."), Notice("often wrong")])
    (message,) = await asked.replies()
    assert message.versions == ["_Thinking…_", "Two and", "Two and two is four.\n\n_often wrong_"]
    assert message.metadata == {
        "event_type": "threadline_turn",
        "event_payload": {"turn": f"tag-{asked.id}", "part": 1},
    }
    ref = f"slack:T0THREAD:{asked.channel}:{message.ts}"
    assert asked.kept == [(1, ref, "growing"), (1, ref, "final")]
    (post,) = await asked.calls("chat.postMessage")
    assert (post.arguments["unfurl_links"], post.arguments["unfurl_media"]) == (False, False)


async def test_only_the_latest_snapshot_is_sent_one_update_at_a_time(asked: Asked) -> None:
    await asked.slack.fault("chat.postMessage", hold=True)
    reply = asked.reply()
    await reply.show(Snapshot(status="Thinking…"))
    await asked.slack.until(lambda now: any(c.method == "chat.postMessage" and not c.status for c in now.calls))
    for words in ("one", "one two", "one two three"):
        await reply.show(Snapshot((Text(words),)))
    await asked.slack.release()
    await asked.slack.answer(asked.channel, asked.ts, "one two three")
    assert (await asked.replies())[0].versions == ["_Thinking…_", "one two three"]
    await reply.finish([Text("one two three")])


async def test_updates_are_spaced_out(asked: Asked) -> None:
    asked.adapter.pace = 0.2
    reply = asked.reply()
    for count in range(1, 6):
        await reply.show(Snapshot((Text("word " * count),)))
        await asked.slack.answer(asked.channel, asked.ts, ("word " * count).strip())
    calls = [*await asked.calls("chat.postMessage"), *await asked.calls("chat.update")]
    assert len(calls) == 5
    assert all(later.at - earlier.at >= 0.19 for earlier, later in pairwise(calls))
    await reply.finish([Text("done")])


async def test_a_growing_update_never_overwrites_the_final_text(asked: Asked) -> None:
    reply = asked.reply()
    await reply.show(Snapshot(status="Thinking…"))
    await asked.slack.answer(asked.channel, asked.ts, "Thinking")
    await asked.slack.fault("chat.update", status=429, retry_after=1)
    await reply.show(Snapshot((Text("half"),)))
    await asked.slack.until(lambda now: any(call.status == 429 for call in now.calls))
    await reply.finish([Text("whole")])
    assert (await asked.replies())[0].versions == ["_Thinking…_", "half", "whole"]
    at = [call.at for call in await asked.calls("chat.update")]
    assert at[1] - at[0] >= 1


async def test_every_part_of_a_long_answer_is_posted_once(asked: Asked) -> None:
    """Otherwise an answer over the limit would fail or be cut."""
    answer = "".join(f"Line {number} of the long answer.\n" for number in range(1_000))
    reply = asked.reply()
    await reply.show(Snapshot((Text(answer),)))
    await reply.finish([Text(answer)])
    await reply.finish([Text(answer)])
    assert "".join(await asked.texts()) == answer
    assert len(await asked.replies()) == 4
    final = [(number, state) for number, _, state in asked.kept if state == "final"]
    assert final == [(number, "final") for number in (1, 2, 3, 4)]


async def test_a_refused_answer_raises_and_finishing_again_creates_no_duplicates(asked: Asked) -> None:
    answer = "Line of the long answer.\n" * 1_000
    reply = asked.reply()
    await asked.slack.fault("chat.postMessage", error="fatal_error", times=1)
    with pytest.raises(PlatformError, match=r"refused chat\.postMessage: fatal_error") as refused:
        await reply.finish([Text(answer)])
    assert refused.value.retryable
    await reply.finish([Text(answer)])
    assert "".join(await asked.texts()) == answer


async def test_after_a_lost_response_the_message_is_found_and_not_posted_again(asked: Asked) -> None:
    reply = asked.reply()
    await asked.slack.fault("chat.postMessage", lose="after")
    with pytest.raises(PlatformError, match="did not answer"):
        await reply.finish([Text("once")])
    assert await asked.texts() == ["once"]
    await reply.finish([Text("once")])
    assert await asked.texts() == ["once"]
    assert len(await asked.calls("chat.postMessage")) == 1


async def test_a_post_that_never_arrived_is_posted_again(asked: Asked) -> None:
    reply = asked.reply()
    await asked.slack.fault("chat.postMessage", lose="before")
    with pytest.raises(PlatformError):
        await reply.finish([Text("once")])
    await reply.finish([Text("once")])
    assert await asked.texts() == ["once"]


@pytest.mark.parametrize("known", [True, False])
async def test_after_a_crash_the_same_message_continues(asked: Asked, known: bool) -> None:
    """Otherwise a restart would lose the answer or post it twice."""
    crashed = asked.reply()
    await crashed.show(Snapshot((Text("half an"),)))
    message = await asked.slack.answer(asked.channel, asked.ts, "half an")
    await crashed.aclose()
    ref = f"slack:T0THREAD:{asked.channel}:{message.ts}"
    reply = asked.reply(suspect=True, parts=[Part(asked.id, 1, ref, "growing")] if known else [])
    await reply.find()
    await reply.show(Snapshot(status="Thinking…"))
    await reply.finish([Text("half an hour")])
    assert await asked.texts() == ["half an hour"]
    assert asked.kept[-1] == (1, ref, "final")


async def test_messages_of_other_turns_and_apps_are_not_reused(asked: Asked) -> None:
    other = Asked(asked.adapter, asked.slack, asked.channel, asked.ts, asked.id + 1000)
    await other.reply().finish([Text("another answer")])
    mark = {"event_type": "threadline_turn", "event_payload": {"turn": f"tag-{asked.id}", "part": 1}}
    await asked.slack.say("U1", asked.channel, "liar", thread_ts=asked.ts, bot_id="B0OTHER", metadata=mark)
    reply = asked.reply(suspect=True)
    await reply.find()
    await reply.finish([Text("mine")])
    assert await asked.texts() == ["another answer", "mine"]


async def test_closing_a_reply_waits_for_its_requests(asked: Asked) -> None:
    await asked.slack.fault("chat.postMessage", hold=True)
    first = asked.reply()
    await first.show(Snapshot(status="Thinking…"))
    await asked.slack.until(
        lambda now: any(c.arguments.get("channel") == asked.channel and not c.status for c in now.calls)
    )
    closing = asyncio.create_task(first.aclose())
    assert await asked.replies() == []
    assert not closing.done()
    await asked.slack.release()
    await closing
    second = asked.reply(suspect=True)
    await second.find()
    await second.finish([Text("once")])
    assert await asked.texts() == ["once"]


async def test_an_answer_is_posted_again_when_somebody_deleted_the_message(asked: Asked) -> None:
    reply = asked.reply()
    await reply.show(Snapshot(status="Thinking…"))
    message = await asked.slack.answer(asked.channel, asked.ts, "Thinking")
    await asked.slack.delete(asked.channel, message.ts)
    await reply.finish([Text("still answered")])
    assert await asked.texts() == ["still answered"]


async def test_a_regenerated_answer_is_found_even_if_our_clock_is_ahead(asked: Asked) -> None:
    """The search starts at the reply before it, so the answer is not posted twice."""
    await asked.reply().finish([Text("One.")])
    asked.earlier = tuple(Part(asked.id, *kept) for kept in asked.kept)
    again = replace(asked.turn(), incoming=[], tag="again", id=asked.id + 1, opened_at=time.time() + 3600)
    await asked.adapter.reply(again).finish([Text("Two.")])
    found = asked.adapter.reply(replace(again, suspect=True))
    await found.find()
    await found.finish([Text("Two, indeed.")])
    assert await asked.texts() == ["One.", "Two, indeed."]


async def test_a_permanent_refusal_is_explained_and_not_retryable(asked: Asked) -> None:
    await asked.slack.settings(archived={asked.channel: True})
    reply = asked.reply()
    await reply.show(Snapshot(status="Thinking…"))
    with pytest.raises(PlatformError, match="is_archived") as refused:
        await reply.finish([Text("hello")])
    assert not refused.value.retryable


async def test_a_persistent_rate_limit_says_when_to_retry(asked: Asked) -> None:
    await asked.slack.fault("chat.postMessage", status=429, retry_after=0, times=3)
    with pytest.raises(PlatformError, match="ratelimited") as refused:
        await asked.reply().finish([Text("hello")])
    assert refused.value.retryable
    assert refused.value.retry_after == 0


async def test_an_answer_that_needs_too_many_messages_is_attached_once_as_a_file(asked: Asked) -> None:
    """Otherwise an answer over the limit would fail or be cut."""
    answer = "".join(f"Line {number} of the very long answer.\n" for number in range(2_000))
    await asked.reply().finish([Text(answer)])
    again = asked.reply(suspect=True)
    await again.find()
    await again.finish([Text(answer)])
    *words, last = await asked.replies()
    assert len(words) == MOST_MESSAGES
    assert answer.startswith("".join(message.text.removeprefix(CONTINUED) for message in words))
    (file,) = last.files
    assert (file["name"], file["size"]) == ("answer.md", len(answer))


async def test_the_file_of_an_earlier_answer_is_not_mistaken_for_this_ones(asked: Asked) -> None:
    """Both files are called answer.md, and both must be posted."""
    first, second = ("".join(f"{word} {n} of a very long answer.\n" for n in range(2_000)) for word in ("Line", "Row"))
    await asked.reply().finish([Text(first)])
    asked.earlier = tuple(Part(asked.id, *kept) for kept in asked.kept)
    again = replace(asked.turn(), incoming=[], tag="again", id=asked.id + 1, opened_at=time.time(), suspect=True)
    for _ in range(2):
        reply = asked.adapter.reply(again)
        await reply.find()
        await reply.finish([Text(second)])
    files = [file for message in await asked.replies() for file in message.files]
    assert [(file["name"], file["size"]) for file in files] == [("answer.md", len(first)), ("answer.md", len(second))]


async def test_posted_links_show_no_previews(asked: Asked) -> None:
    await asked.slack.fault("chat.startStream", error="unknown_method")
    await asked.reply().finish([Text("https://example.org/picture.png")])
    (message,) = await asked.replies()
    assert (message.stream, message.previews) == ("", False)


async def test_without_the_files_scope_every_word_is_posted(asked: Asked) -> None:
    answer = "".join(f"Line {number} of the very long answer.\n" for number in range(2_000))
    await asked.slack.fault("files.getUploadURLExternal", error="missing_scope")
    await asked.reply().finish([Text(answer)])
    assert "".join(await asked.texts()) == answer
