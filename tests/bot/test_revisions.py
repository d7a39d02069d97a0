"""What is said of a message before it is taken: an edit, a deletion. Platforms promise no order."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from assistants.service.scripted import ScriptedReply
from bot import revisions
from bot.adapter import NotClaimedError
from bot.incoming import Incoming, Revision
from tests.bot.house import ADA, PLACE, House, house


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as made:
        yield made


async def test_an_edit_that_arrives_before_its_message_counts(here: House) -> None:
    """Slack may deliver an edit before its message."""
    await here.core.revise(Revision("web:1", "older"))
    await here.core.revise(Revision("web:1", "newer"))
    assert (await here.say("first")).outcome == "accepted"
    await here.turns(lambda now: bool(now) and now[0]["outcome"] == "answered")
    assert await here.thread("user") == ["newer"]


async def test_the_newer_of_two_edits_counts_in_any_order(here: House) -> None:
    """Looking up names can delay an edit, and a lost acknowledgement brings the older one again."""
    here.model.play(ScriptedReply(chunks=("Half ", "an answer."), hold_after=1))
    await here.say("go on")
    await here.model.held()
    await here.core.revise(Revision("web:2", "second", at="12.000002"))
    await here.core.revise(Revision("web:2", "first", at="12.000001"))
    assert (await here.say("waits")).waits
    assert (await here.core.revise(Revision("web:2", "fourth", at="12.000004"))).outcome == "accepted"
    assert (await here.core.revise(Revision("web:2", "third", at="12.000003"))).outcome == "duplicate"
    here.model.release()
    await here.turns(lambda now: len(now) == 2 and now[1]["outcome"] == "answered")
    assert await here.thread("user") == ["go on", "fourth"]


async def test_a_deletion_that_arrives_before_its_message_counts(here: House) -> None:
    await here.core.revise(Revision("web:1", None))
    await here.core.revise(Revision("web:1", "an edit that was on its way"))
    assert (await here.say("never mind")).outcome == "ignored"
    assert (await here.say("this one")).outcome == "accepted"
    await here.turns(lambda now: bool(now) and now[0]["outcome"] == "answered")
    assert await here.thread("user") == ["this one"]


@pytest.mark.parametrize("text", ["better", None])
async def test_an_edit_counts_even_if_the_disk_rejected_its_message(here: House, text: str | None) -> None:
    """Discord does not redeliver, so its adapter offers the message until it is claimed."""
    said = "worse " * 20_000
    await here.fill_the_disk()
    with pytest.raises(NotClaimedError):
        await here.say(said)
    await here.core.revise(Revision("web:1", text))
    await here.make_room()
    here.said.clear()
    assert (await here.say(said)).outcome == ("accepted" if text else "ignored")
    if text:
        await here.turns(lambda now: bool(now) and now[0]["outcome"] == "answered")
        assert await here.thread("user") == [text]


async def test_an_edit_that_arrives_while_its_message_is_being_stored_counts(here: House) -> None:
    here.model.play(ScriptedReply(chunks=("Half ", "an answer."), hold_after=1))
    await here.say("go on")
    await here.model.held()
    with closing(sqlite3.connect(here.db.path, isolation_level=None)) as stranger:
        stranger.execute("begin immediate")
        saying = asyncio.create_task(here.say("worse"))
        await here.core.revise(Revision("web:2", "better"))
        stranger.execute("rollback")
    assert (await saying).waits
    here.model.release()
    await here.turns(lambda now: len(now) == 2 and now[1]["outcome"] == "answered")
    assert await here.thread("user") == ["go on", "better"]


@pytest.mark.parametrize(("edited_after", "outcome"), [(599.0, "accepted"), (601.0, "ignored")])
async def test_a_mention_added_by_an_edit_is_accepted_within_ten_minutes(
    here: House, edited_after: float, outcome: str
) -> None:
    """A later edit is ignored, and `threadline why` gives the reason."""
    question = Incoming("web:1", PLACE, ADA, "what is it?", "0001", addressed=True, edited_after=edited_after)
    receipt = await here.core.receive(question)
    assert receipt.outcome == outcome
    assert ("ten minutes" in receipt.reason) == (outcome == "ignored")


async def test_the_number_of_remembered_revisions_is_limited(here: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(revisions, "MOST_REVISIONS", 2)
    for number in (1, 2, 3):
        await here.core.revise(Revision(f"web:{number}", None))
    assert (await here.say("the oldest is forgotten")).outcome == "accepted"
    assert (await here.say("gone")).outcome == "ignored"
