"""Leaving: nothing more is taken in, what is under way may end, and what does not goes on at the next start."""

import asyncio
import contextlib
import os
import signal
from pathlib import Path

import httpx
import pytest

from adapters.web import WebAdapter
from bot import app as app_module
from bot.adapter import Bot
from bot.settings import Settings
from bot.turns import FOLLOWS
from tests.bot.conftest import Start, address
from tests.bot.page import Page, said
from tests.bot.test_promises import KEY, growing
from tests.scripted import Model, connecting


@pytest.fixture
def settings(model_address: str) -> dict[str, str]:
    return connecting(model_address)


async def test_an_answer_that_ends_within_the_grace_period_is_completed_before_exit(
    start: Start, settings: dict[str, str], model_address: str
) -> None:
    model = Model(model_address)
    process = start("run", **settings, LEAVING_GRACE="60")
    async with Page(address(process)) as page:
        await growing(page, model)
        os.kill(process.pid, signal.SIGTERM)
        await model.release()
        assert process.wait() == 0
    async with Page(address(start("run", **settings))) as page:
        assert await page.answers(KEY, 1) == ["Half an answer."]
    assert len(await model.requests()) == 1
    await model.aclose()


async def test_an_unfinished_answer_says_that_it_follows_and_is_written_again_after_the_restart(
    start: Start, settings: dict[str, str], model_address: str
) -> None:
    """Otherwise a restart would lose the answer."""
    model = Model(model_address)
    process = start("run", **settings, LEAVING_GRACE="0.2")
    async with Page(address(process)) as page:
        await growing(page, model)
        async with page.events(KEY) as events:
            os.kill(process.pid, signal.SIGTERM)
            async for name, moment in events:
                if name == "moment" and moment["status"] == FOLLOWS:
                    assert "Half an" in said({"answer": moment["segments"]})
                    break
    assert process.wait() == 0
    await model.release()
    async with Page(address(start("run", **settings))) as page:
        assert await page.answers(KEY, 1) == ["You said: go on"]
    await model.aclose()


async def test_a_message_during_shutdown_is_refused_with_a_sentence(
    start: Start, settings: dict[str, str], model_address: str
) -> None:
    model = Model(model_address)
    process = start("run", **settings, LEAVING_GRACE="60")
    async with Page(address(process)) as page:
        await growing(page, model)
        os.kill(process.pid, signal.SIGTERM)
        process.line("leaving")
        with pytest.raises(httpx.HTTPStatusError) as refused:
            await page.say(KEY, "and this?")
        assert refused.value.response.status_code == 503
        said_why = "Threadline is restarting. Send it again when Threadline is back."
        assert refused.value.response.json() == {"error": said_why, "restarting": True}
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait() == 0
    await model.aclose()


async def test_without_work_in_progress_the_program_exits_at_once(start: Start, settings: dict[str, str]) -> None:
    process = start("run", **settings, LEAVING_GRACE="600")
    address(process)
    assert process.end() == 0


class Deaf(WebAdapter):
    """An adapter whose library ignores the first cancellation."""

    def __init__(self) -> None:
        super().__init__()
        self.listens = asyncio.Event()

    async def listen(self, bot: Bot) -> None:  # noqa: ARG002
        self.listens.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        await asyncio.Event().wait()


async def test_an_adapter_that_ignores_a_cancellation_does_not_stop_the_shutdown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deaf = Deaf()
    monkeypatch.setattr(app_module, "FAREWELL", 0.05)
    monkeypatch.setattr(app_module, "discover_adapters", lambda *_: [deaf])
    settings = Settings(_env_file=None, data_dir=tmp_path, sandbox="off", model_discovery=False)
    async with app_module.build(settings, "http://127.0.0.1:1") as app, asyncio.timeout(60):
        work = asyncio.create_task(app.work())
        await deaf.listens.wait()
        await app.leave()
        work.cancel()
        await asyncio.wait([work])
