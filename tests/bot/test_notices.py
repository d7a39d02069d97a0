"""What people must be told below an answer, also when the answer is given in a second attempt."""

from pathlib import Path
from typing import Any

import pytest

from assistants.connector import AssistantsError
from bot.adapter import FileRefusedError, PlatformError
from bot.answer import THREAD_GONE
from bot.incoming import Attached, Incoming
from bot.runs import Runs
from bot.segments import Notice
from bot.watch import HubReply
from tests.bot.house import ADA, PLACE, House, Refusing, hasten, house

VOICE = Attached("memo.ogg", "audio/ogg", 100, "somewhere")
LIST = Attached("list.txt", "text/plain", 10, "somewhere")


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    hasten(monkeypatch, 0.01)


@pytest.fixture(params=[0, 1], ids=["at once", "in a second attempt"])
def platform(request: pytest.FixtureRequest) -> Refusing:
    return Refusing(*[PlatformError("no room", retryable=True)] * request.param)


async def ended(here: House, turns: int) -> None:
    await here.turns(lambda now: len(now) == turns and now[-1]["outcome"] is not None)


def notices(platform: Refusing) -> list[str]:
    return [segment.text for segment in platform.taken[-1] if isinstance(segment, Notice)]


async def test_a_file_that_cannot_be_read_is_told_in_every_attempt(tmp_path: Path, platform: Refusing) -> None:
    async with house(tmp_path, adapter=platform) as here:
        await here.core.receive(Incoming("web:1", PLACE, ADA, "what is it?", "0001", addressed=True, files=(VOICE,)))
        await ended(here, 1)
    (notice,) = notices(platform)
    assert "Audio" in notice


async def test_a_file_that_a_second_attempt_can_read_is_not_said_to_be_unreadable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refusal may pass, and the second attempt asks with the file."""
    fetched, asked, ask = list[str](), list[object](), Runs._ask

    async def fetch(_: HubReply, file: Attached, __: int) -> bytes:
        fetched.append(file.name)
        if len(fetched) == 1:
            raise FileRefusedError("Too many requests.")
        return b"Buy bread."

    async def ask_again(runs: Runs, messages: Any) -> Any:
        asked.append(messages)
        if len(asked) == 1:
            raise AssistantsError("The server is restarting.")
        return await ask(runs, messages)

    monkeypatch.setattr(HubReply, "fetch", fetch, raising=False)
    monkeypatch.setattr(Runs, "_ask", ask_again)
    platform = Refusing()
    async with house(tmp_path, adapter=platform) as here:
        await here.core.receive(Incoming("web:1", PLACE, ADA, "what is it?", "0001", addressed=True, files=(LIST,)))
        await ended(here, 1)
    assert (fetched, len(asked)) == (["list.txt"] * 2, 2)
    assert "Too many requests." not in " ".join(notices(platform))


async def test_a_lost_thread_is_told_in_every_attempt(tmp_path: Path, platform: Refusing) -> None:
    refusals, platform.refusals = platform.refusals, []
    async with house(tmp_path, adapter=platform) as here:
        await here.say("one")
        await ended(here, 1)
        (conversation,) = await here.db.read("select thread_id from conversations")
        await here.client.threads.delete(conversation["thread_id"])
        platform.refusals = refusals
        await here.say("two")
        await ended(here, 2)
    assert notices(platform) == [THREAD_GONE]
