"""The page keeps the adapter contract: its API over a real socket, as the page itself uses it."""

# ruff: noqa: ARG002 - whatever is typed here is addressed to us
import asyncio
import json
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AsyncExitStack

import httpx
import pytest
from httpx_sse import aconnect_sse

from adapters.console.whole import Whole
from adapters.web import WebAdapter
from bot.testing import AdapterContract, Said, Sight, Stage, TakingBot
from tests.serving import serving


class WebStage(Stage):
    """Tabs of a browser: each has one conversation, and keeps its stream of events open."""

    def __init__(self, adapter: WebAdapter, bot: TakingBot, http: httpx.AsyncClient) -> None:
        self.adapter = adapter
        self.bot = bot
        self._http = http
        self._tabs: dict[str, Sight] = {}
        self._readers: list[asyncio.Task[None]] = []
        self._texts: dict[Said, str] = {}
        self._answers: dict[Said, int] = {}

    async def say(self, text: str, *, after: Said | None = None, addressed: bool = True) -> Said:
        said = Said(after.where if after else f"web:{uuid.uuid4()}", str(uuid.uuid4()))
        if after is None:
            await self._open(said.where)
        self._texts[said] = text
        await self.resend(said)
        return said

    async def resend(self, said: Said) -> None:
        body = {"event": said.message, "text": self._texts[said]}
        self._answers[said] = (await self._http.post(f"/conversations/{said.where}/messages", json=body)).status_code

    async def acknowledged(self, said: Said) -> bool:
        return self._answers[said] == 202

    def watch(self, said: Said) -> AsyncGenerator[Sequence[str], None]:
        return self._tabs[said.where].watch()

    async def _open(self, key: str) -> None:
        self._tabs[key] = Sight()
        opened = asyncio.Event()
        self._readers.append(asyncio.create_task(self._read(key, opened)))
        await opened.wait()

    async def _read(self, key: str, opened: asyncio.Event) -> None:
        """One tab: the newest state of every answer, in the order in which they began."""
        answers: dict[int, str] = {}
        whole = Whole()
        async with aconnect_sse(self._http, "GET", f"/conversations/{key}/events") as source:
            async for event in source.aiter_sse():
                if event.event == "transcript":
                    opened.set()
                elif event.event == "moment" and (moment := json.loads(event.data))["turn"] is not None:
                    told = moment["segments"]
                    segments = whole.segments(told) if moment["kind"] == "snapshot" else told
                    answers[moment["turn"]] = "\n\n".join(s.get("markdown") or s["text"] for s in segments)
                    await self._tabs[key].see([answer for answer in answers.values() if answer])

    async def close(self) -> None:
        for reader in self._readers:
            reader.cancel()
        await asyncio.gather(*self._readers, return_exceptions=True)


class TestWeb(
    AdapterContract,
    lacks={
        "bots": "only people type into the page",
        "bystanders": "everything typed into the page is meant for us",
        "pings": "the page has nobody to ping",
        "clicks": "the page's buttons are requests of their own, none is made by an answer",
        "holding": "a reply is handed over within the process",
        "limit": "an answer on the page may have any length",
        "losses": "a reply is handed over within the process",
        "parts": "the page posts no messages: the thread and the turn are what lasts",
        "refusals": "a reply is handed over within the process: nothing stands between that could refuse it",
    },
):
    @pytest.fixture
    async def stage(self) -> AsyncIterator[WebStage]:
        bot, adapter = TakingBot(), WebAdapter()
        async with AsyncExitStack() as stack:
            address = await stack.enter_async_context(serving(adapter.routes(bot), end_watching=bot.end_watching))
            client = httpx.AsyncClient(base_url=f"{address}/chat/api", timeout=60, trust_env=False)
            stage = WebStage(adapter, bot, await stack.enter_async_context(client))
            stack.push_async_callback(stage.close)
            yield stage
