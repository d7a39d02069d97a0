"""The transcript of a conversation: which messages it shows together, and which apart."""

from pathlib import Path

import pytest

from assistants.service.scripted import ScriptedReply
from tests.bot.house import PLACE, House, house

ONE_BY_ONE = """
default = ["plain"]
[assistants.plain]
title = "Plain"
overlap = "queue"
"""
TOGETHER = ONE_BY_ONE.replace("queue", "collect")


async def exchanges(here: House) -> list[tuple[str, str, int]]:
    """The question, the state and the number of messages of each exchange."""
    return [(e.question, e.state, len(e.events)) for e in await here.core.transcript(PLACE.key)]


@pytest.mark.parametrize(
    ("configured", "taken"),
    [
        (ONE_BY_ONE, [("two", "answering", 1), ("three", "waiting", 1)]),
        (TOGETHER, [("two\n\nthree", "answering", 2)]),
    ],
    ids=["one by one", "together"],
)
async def test_waiting_messages_are_shown_apart_until_a_turn_answers_them_together(
    tmp_path: Path, configured: str, taken: list[tuple[str, str, int]]
) -> None:
    async with house(tmp_path, configured=configured) as here:
        here.model.play(*(ScriptedReply(chunks=("Half ", "an answer."), hold_after=1) for _ in range(2)))
        await here.say("one")
        await here.model.held()
        await here.say("two")
        await here.say("three")
        waiting = [("two", "waiting", 1), ("three", "waiting", 1)]
        assert await exchanges(here) == [("one", "answering", 1), *waiting]
        here.model.release()
        await here.turns(lambda now: len(now) == 2)
        await here.model.held()
        assert await exchanges(here) == [("one", "answered", 1), *taken]
        here.model.release()
        await here.turns(lambda now: len(now) == 1 + len(taken) and now[-1]["outcome"] == "answered")
