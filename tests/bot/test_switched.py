"""Somebody picks another assistant while a turn is under way: one assistant answers it, whatever goes wrong."""

from pathlib import Path

import pytest

from bot.adapter import PlatformError
from bot.incoming import Command
from bot.segments import Notice
from tests.bot.house import ADA, PLACE, PLAIN, Refusing, hasten, house

USE_OTHER = Command("web:use", PLACE, ADA, "use other")

TWO = f"""{PLAIN}
notice = "Plain says so."
[assistants.other]
title = "Other"
"""


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    hasten(monkeypatch, 0.05)


async def test_the_assistant_that_began_an_answer_finishes_it_even_if_another_is_picked(tmp_path: Path) -> None:
    adapter = Refusing(PlatformError("It takes nothing just now."))
    async with house(tmp_path, configured=TWO, adapter=adapter) as here:
        adapter.meanwhile = lambda: here.core.command(USE_OTHER)
        await here.say("first")
        await here.say("second")
        first, second = await here.turns(lambda now: [turn["outcome"] for turn in now] == ["answered"] * 2)
    assert (first["assistant"], second["assistant"]) == ("plain", "other")
    assert [Notice("Plain says so.") in segments for segments in adapter.taken] == [True, False]


async def test_after_a_crash_the_existing_run_determines_which_assistant_answers(tmp_path: Path) -> None:
    """The process crashed before the turn recorded its assistant, so only the run still names it."""
    async with house(tmp_path, configured=TWO) as first:
        await first.say("first")
        await first.turns(lambda now: [turn["outcome"] for turn in now] == ["answered"])
        await first.core.command(USE_OTHER)
        forget = "update turns set outcome = null, assistant = null, run_id = null"
        await first.db.write(lambda tx: (tx.execute(forget), tx.execute("update incoming set body = 'first'")))
    async with house(tmp_path, configured=TWO) as second:
        (turn,) = await second.turns(lambda now: [turn["outcome"] for turn in now] == ["answered"])
        assert turn["assistant"] == "plain"
        assert len(await second.thread("assistant")) == 1
