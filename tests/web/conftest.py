"""A stage bot behind the real page, the real program, and a browser to look at both."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from bot.settings import Settings
from tests.browser import chromium
from tests.models.fixtures import smollm2_weights as smollm2_weights
from tests.processes import Process, threadline
from tests.web.stage import StageBot, serving

Start = Callable[..., tuple[Process, str]]


@pytest.fixture
def bot() -> StageBot:
    return StageBot(Settings(_env_file=None))


@pytest.fixture
async def http(bot: StageBot) -> AsyncIterator[httpx.AsyncClient]:
    """The API over the stage bot, on a real socket."""
    async with (
        serving(bot) as address,
        httpx.AsyncClient(base_url=f"{address}/chat/api", timeout=30, trust_env=False) as client,
    ):
        yield client


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """Debian's chromium, one a module; every page has a profile of its own."""
    async with chromium() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser) -> AsyncIterator[Page]:
    """A fresh tab; whatever the page complains of in its console fails the test."""
    page = await browser.new_page(viewport={"width": 1180, "height": 780}, locale="en-GB")
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda said: errors.append(said.text) if "Content Security Policy" in said.text else None)
    yield page
    await page.close()
    assert errors == []


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts the real program in a folder of its own; again means: after a restart, at the same address if asked."""
    started: list[Process] = []

    def run(**env: str) -> tuple[Process, str]:
        process = threadline("run", env=env, cwd=tmp_path)
        started.append(process)
        return process, process.line("Threadline is at").split()[-1]

    yield run
    for process in started:
        process.end()
