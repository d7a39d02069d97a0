"""Somebody picks another assistant while a turn is under way: one assistant answers it, whatever goes wrong."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from adapters.web import WebAdapter
from bot import late
from bot.adapter import PlatformError, Reply, Turn
from bot.incoming import Command
from bot.segments import Notice, Segment
from bot.watch import Hub, HubReply
from tests.bot.house import ADA, PLACE, PLAIN, House, house

TWO = f"""{PLAIN}
notice = "Plain says so."
[assistants.other]
title = "Other"
"""


class Refusing(WebAdapter):
    """Before it takes the first answer, somebody picks another assistant, and then it takes nothing, once."""

    house: House
    refused = False

    def __init__(self) -> None:
        super().__init__()
        self.hub, self.seen = Hub(), list[Sequence[Segment]]()

    def reply(self, turn: Turn) -> Reply:
        return RefusingReply(self, turn)


class RefusingReply(HubReply):
    def __init__(self, adapter: Refusing, turn: Turn) -> None:
        super().__init__(adapter.hub, turn)
        self.adapter = adapter

    async def finish(self, segments: Sequence[Segment]) -> None:
        if not self.adapter.refused:
            self.adapter.refused = True
            await self.adapter.house.core.command(Command("web:use", PLACE, ADA, "use other"))
            raise PlatformError("It takes nothing just now.")
        self.adapter.seen.append(segments)


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(late, "COMMIT", 0.05)


@pytest.fixture
async def adapter() -> Refusing:
    return Refusing()


@pytest.fixture
async def here(tmp_path: Path, adapter: Refusing) -> AsyncIterator[House]:
    async with house(tmp_path, configured=TWO, adapter=adapter) as made:
        adapter.house = made
        yield made


async def test_who_began_to_answer_ends_the_answer_although_another_was_picked_meanwhile(
    here: House, adapter: Refusing
) -> None:
    await here.say("first")
    await here.say("second")
    first, second = await here.turns(lambda now: [turn["outcome"] for turn in now] == ["answered"] * 2)
    assert (first["assistant"], second["assistant"]) == ("plain", "other")
    assert [Notice("Plain says so.") in segments for segments in adapter.seen] == [True, False]


async def test_after_a_crash_the_run_that_is_found_says_who_answers(tmp_path: Path) -> None:
    """What died before it had written down who it asked has left nothing else."""
    async with house(tmp_path, configured=TWO) as first:
        await first.say("first")
        await first.turns(lambda now: [turn["outcome"] for turn in now] == ["answered"])
        await first.core.command(Command("web:use", PLACE, ADA, "use other"))
        forget = "update turns set outcome = null, assistant = null, run_id = null"
        await first.db.write(lambda tx: (tx.execute(forget), tx.execute("update incoming set body = 'first'")))
    async with house(tmp_path, configured=TWO) as second:
        (turn,) = await second.turns(lambda now: [turn["outcome"] for turn in now] == ["answered"])
        assert turn["assistant"] == "plain"
        assert len(await second.thread("assistant")) == 1
