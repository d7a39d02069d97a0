"""A clock that is set while a turn is under way changes nothing of what people are promised."""

import time
from pathlib import Path

import pytest

from bot import turns
from bot.adapter import PlatformError
from tests.bot.house import Refusing, hasten, house

AWAY = [PlatformError("It is away.") for _ in range(turns.MOST_FAILURES + 2)]


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    hasten(monkeypatch, 0.01)


@pytest.mark.parametrize("before", [[], [PlatformError("It never takes this.", retryable=False)]])
async def test_an_unavailable_platform_is_waited_for_even_if_the_clock_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: list[PlatformError]
) -> None:
    """Both for an answer and for the apology that replaces it."""
    adapter = Refusing(*before, *AWAY)

    async def set_the_clock() -> None:
        later = time.time() + 2 * turns.PLATFORM_SECONDS
        monkeypatch.setattr(time, "time", lambda: later)

    adapter.meanwhile = set_the_clock
    async with house(tmp_path, adapter=adapter) as here:
        await here.say("hello")
        (turn,) = await here.turns(lambda now: bool(now) and now[0]["outcome"] is not None)
    assert turn["outcome"] == ("failed" if before else "answered")
    assert len(adapter.taken) == 1
