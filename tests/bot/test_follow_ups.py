"""In a thread of people the bot is called, and events do not come in the order in which things were said."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from bot import dispatch, follow_ups
from bot.adapter import NotClaimedError, Receipt
from bot.incoming import Incoming
from storage.database import Row
from tests.bot.house import ADA, PLACE, House, hasten, house


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    hasten(monkeypatch, 0.01)
    monkeypatch.setattr(dispatch, "PAUSE", 0.01)


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as made:
        await made.core.heard_until("web")
        await made.core.caught_up("web")
        yield made


async def say(here: House, number: int, text: str) -> Receipt:
    said = Incoming(f"web:{number}", PLACE, ADA, text, f"{number:04}", addressed="@" in text)
    return await here.core.receive(said)


async def answered(here: House) -> list[str]:
    """What the thread has of people once nothing waits and nothing is under way."""
    await here.turns(lambda now: bool(now) and all(turn["outcome"] == "answered" for turn in now))
    assert await here.db.read("select event from incoming where turn is null and kind = 'message'") == []
    return await here.thread("user")


async def test_a_follow_up_that_arrives_before_its_mention_is_answered_after_it(here: House) -> None:
    """Slack may deliver the follow-up first. A mention that was not claimed is also redelivered later."""
    assert (await say(here, 3, "the one of yesterday")).outcome == "ignored"
    assert (await say(here, 4, "and quickly")).outcome == "ignored"
    await here.fill_the_disk()
    with pytest.raises(NotClaimedError):
        await say(here, 2, "@threadline which was it?" + " " * 100_000)
    await here.make_room()
    await say(here, 2, "@threadline which was it?")
    await here.turns(lambda now: len(now) == 2)
    assert await answered(here) == ["@threadline which was it?", "the one of yesterday", "and quickly"]


async def test_a_follow_up_that_cannot_be_stored_with_its_mention_is_stored_at_the_redelivery(here: House) -> None:
    said = "a long one " * 1_000
    await say(here, 3, said)
    await here.fill_the_disk()
    with pytest.raises(NotClaimedError):
        await say(here, 2, "@threadline which was it?")
    await here.make_room()
    await say(here, 2, "@threadline which was it?")
    await here.turns(lambda now: len(now) == 2)
    assert await answered(here) == ["@threadline which was it?", said]


@pytest.mark.parametrize("order", [(4, 3, 2), (4, 2, 3), (3, 4, 2)])
async def test_with_two_mentions_in_any_order_everything_from_the_first_one_on_is_answered(
    here: House, order: Sequence[int]
) -> None:
    said = {1: "who knows?", 2: "@threadline do you?", 3: "please", 4: "@threadline are you there?"}
    await say(here, 1, said[1])
    for number in order:
        await say(here, number, said[number])
    assert sorted(await answered(here)) == sorted(said[number] for number in order)


async def test_messages_posted_before_the_mention_are_never_answered(here: House) -> None:
    """Otherwise the bot would answer messages that people wrote to each other."""
    assert (await say(here, 1, "who of you knows?")).outcome == "ignored"
    await say(here, 3, "@threadline do you?")
    late = await say(here, 2, "I do not")
    assert (late.outcome, late.reason) == ("ignored", "posted before the bot was first mentioned there")
    assert (await say(here, 4, "thank you")).outcome == "accepted"
    await here.turns(lambda now: len(now) == 2)
    assert await answered(here) == ["@threadline do you?", "thank you"]


async def test_a_message_from_before_the_mention_is_not_answered_if_the_mention_overtakes_it(
    here: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, gate = here.db.read, asyncio.Event()

    async def read_late(sql: str, **values: Any) -> list[Row]:
        await gate.wait()
        return await read(sql, **values)

    with monkeypatch.context() as held:
        held.setattr(here.db, "read", read_late)
        late = asyncio.create_task(say(here, 1, "who of you knows?"))
        await asyncio.sleep(0)
    await say(here, 2, "@threadline do you?")
    gate.set()
    assert (await late).reason == "posted before the bot was first mentioned there"
    assert await answered(here) == ["@threadline do you?"]


async def test_the_number_of_remembered_follow_ups_is_limited(here: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow_ups, "MOST_MESSAGES", 1)
    for number in (2, 3):
        await say(here, number, f"number {number}")
    await say(here, 1, "@threadline count")
    await here.turns(lambda now: len(now) == 2)
    assert await answered(here) == ["@threadline count", "number 3"]
