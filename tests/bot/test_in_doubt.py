"""A request that creates a run and is never answered: whether it was done is looked up before it is made again."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot import runs
from tests.bot.house import ADA, PLACE, PLAIN, House, hasten, house

INTERRUPTS = f'{PLAIN}\n[channels."web:local:page"]\noverlap = "interrupt"\n'


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "ENDING", 0.1)
    hasten(monkeypatch, 0.05)


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path, configured=INTERRUPTS) as made:
        yield made


async def stopped(here: House) -> None:
    """The one question is asked, and stopped while nobody knows what became of its run."""
    await here.say("what is it?")
    await here.way.silent.wait()
    await here.core.stop(PLACE, ADA, "web:stop")
    await here.turns(lambda now: now[0]["outcome"] is not None)


@pytest.mark.parametrize("comes", ["before the stop", "after it", "never"])
async def test_a_question_stopped_before_its_run_was_known_is_asked_once(here: House, comes: str) -> None:
    here.way.lose_the_answer() if comes == "before the stop" else here.way.bring_it_later()
    await stopped(here)
    if comes == "after it":
        await here.way.bring()
    await here.core.regenerate(PLACE, ADA, "web:again")
    await here.turns(lambda now: len(now) == 2 and now[1]["outcome"] == "answered")
    assert await here.thread("user") == ["what is it?"]
    assert len(await here.thread("assistant")) == 1, "an answer that nobody saw is read by the model"


@pytest.mark.parametrize("comes", ["before the next", "never"])
async def test_a_question_interrupted_before_its_run_was_known_is_asked_once(here: House, comes: str) -> None:
    here.way.lose_the_answer() if comes == "before the next" else here.way.bring_it_later()
    await here.say("one")
    await here.way.silent.wait()
    await here.say("two")
    await here.turns(lambda now: len(now) == 2 and now[1]["outcome"] == "answered")
    assert await here.thread("user") == ["one", "two"]
