"""Cost of durability: turns that are recorded and queued, compared with the same HTTP requests alone, in one run.

    python -m bench.turns            the table
    python -m bench.turns --million  the same database with a million conversations and ten million turns

Each side creates a thread if needed, asks in it, waits for the run and posts the answer. `SDK` reads the run's stream
with the stock `openai` client. `httpx` makes plain requests with the libraries that Threadline uses: it adds the
message, creates the run, polls it and reads the answer. `aiohttp` does the same with the fastest client there is.
`connector` reads the stream with Threadline's own client, in fewer requests. `ours` is the complete path: a message is
received, committed, dispatched, answered, posted and recorded. The server is another process on this machine.
"""

import argparse
import asyncio
import statistics
import tempfile
import warnings
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import openai
from httpx_aiohttp import HttpxAiohttpClient

from assistants.connector import AssistantsClient
from assistants.connector.transport import LIMITS
from bench.asking import Ask, Measured, measure
from bench.million import million
from bench.processes import module, program
from bench.whole import Ours, Posting
from bot.logs import configure_logs
from bot.port import calm_collector
from bot.settings import Settings

ROUNDS = 3
LATENCIES = ("connector", "ours")
# Seconds between the first two looks at a run without a stream.
FIRST_POLL = 0.02
QUESTION = "How much is two and two?"

Do = Callable[..., Awaitable[Any]]


class Bare:
    """A turn's requests by the connector, without persistence."""

    def __init__(self, client: AssistantsClient, posting: Posting) -> None:
        self._client = client
        self._posting = posting
        self._threads: dict[int, str] = {}

    async def ask(self, number: int) -> None:
        if number not in self._threads:
            self._threads[number] = (await self._client.threads.create(metadata={"conversation": str(number)})).id
        stream = self._client.threads.runs.stream(
            self._threads[number],
            assistant_id="asst_1",
            additional_messages=[{"role": "user", "content": QUESTION, "metadata": {"turn": "x"}}],
            metadata={"turn": "x.1"},
        )
        async with stream as events:
            async for _ in events:
                pass
        await self._posting.post(str(number))


class Plain:
    """The same requests by the stock SDK."""

    def __init__(self, client: openai.AsyncOpenAI, posting: Posting) -> None:
        self._client = client
        self._posting = posting
        self._threads: dict[int, str] = {}

    async def ask(self, number: int) -> None:
        threads = self._client.beta.threads
        if number not in self._threads:
            self._threads[number] = (await threads.create(metadata={"conversation": str(number)})).id
        stream: Any = await threads.runs.create(
            self._threads[number],
            assistant_id="asst_1",
            additional_messages=[{"role": "user", "content": QUESTION, "metadata": {"turn": "x"}}],
            metadata={"turn": "x.1"},
            stream=True,
        )
        async with stream:
            async for _ in stream:
                pass
        await self._posting.post(str(number))


class Requests:
    """A turn by plain requests, without streams."""

    def __init__(self, do: Do, posting: Posting) -> None:
        self._do = do
        self._posting = posting
        self._threads: dict[int, str] = {}

    async def ask(self, number: int) -> None:
        if number not in self._threads:
            self._threads[number] = (await self._do("POST", "", metadata={"conversation": str(number)}))["id"]
        thread, pause = f"/{self._threads[number]}", FIRST_POLL
        await self._do("POST", f"{thread}/messages", role="user", content=QUESTION, metadata={"turn": "x"})
        run = await self._do("POST", f"{thread}/runs", assistant_id="asst_1", metadata={"turn": "x.1"})
        while (await self._do("GET", f"{thread}/runs/{run['id']}"))["status"] != "completed":
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, 1.0)
        await self._do("GET", f"{thread}/messages?run_id={run['id']}")
        await self._posting.post(str(number))


def by_httpx(url: str, http: httpx.AsyncClient) -> Do:
    async def do(method: str, path: str, **body: Any) -> Any:
        return (await http.request(method, f"{url}/v1/threads{path}", json=body or None)).json()

    return do


def by_aiohttp(url: str, http: aiohttp.ClientSession) -> Do:
    async def do(method: str, path: str, **body: Any) -> Any:
        async with http.request(method, f"{url}/v1/threads{path}", json=body or None) as response:
            return await response.json()

    return do


async def table(scale: float) -> None:
    cases = [
        ("lone, instant model", 0.0, 1, 300),
        ("100 conversations, instant", 0.0, 100, 20),
        ("1,000 conversations, instant", 0.0, 1000, 3),
        ("100 conversations, 200 ms", 0.2, 100, 15),
        ("1,000 conversations, 200 ms", 0.2, 1000, 4),
        ("300 conversations, 1 s", 1.0, 300, 4),
    ]
    async with AsyncExitStack() as stack:
        _, url = stack.enter_context(program(*module("bench.server")))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        http = await stack.enter_async_context(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)))
        ours = await stack.enter_async_context(Ours.at(url, folder / "bench.db", http))
        client = await stack.enter_async_context(AssistantsClient(f"{url}/v1", api_key="bench"))
        sdk = await stack.enter_async_context(openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="bench", timeout=60))
        plain = await stack.enter_async_context(HttpxAiohttpClient(limits=LIMITS, timeout=60))
        posting = Posting(url, http)
        asks: dict[str, Ask] = {
            "SDK": Plain(sdk, posting).ask,
            "httpx": Requests(by_httpx(url, plain), posting).ask,
            "aiohttp": Requests(by_aiohttp(url, http), posting).ask,
            "connector": Bare(client, posting).ask,
            "ours": ours.ask,
        }
        others = [name for name in asks if name != "ours"]
        print(f"{'turns/s':28}", *(f"{name:>9}" for name in asks), *(f"{f'of {name}':>12}" for name in others), end=" ")
        print(*(f"{name + ' p50/p99':>20}" for name in LATENCIES))
        for name, delay, conversations, turns in cases:
            async with http.post(f"{url}/delay", json={"delay": delay}):
                pass
            for ask in asks.values():
                await measure(ask, conversations, 1)  # threads are made, connections are open
            ours.claims.clear()
            sides: dict[str, list[Measured]] = {name: [] for name in asks}
            for _ in range(ROUNDS):
                for side, ask in asks.items():
                    sides[side].append(await measure(ask, conversations, max(1, int(turns * scale))))
            middle = {side: _median(rounds) for side, rounds in sides.items()}
            shares = (f"{_share(sides['ours'], sides[name]):12.0%}" for name in others)
            print(f"{name:28}", *(f"{found.rate:9.0f}" for found in middle.values()), *shares, end=" ")
            print(*(f"{_pair(middle[name]):>20}" for name in LATENCIES))
            if conversations == 1:
                claim = statistics.median(ours.claims)
                more = (middle["ours"].p50 - middle["connector"].p50 - claim) * 1000
                print(f"{'':28} the claim's commit {claim * 1000:.1f} ms, and {more:.1f} ms more on the answer")


def _share(ours: Sequence[Measured], others: Sequence[Measured]) -> float:
    """Return our rate relative to another's, for each round."""
    return statistics.median(mine.rate / theirs.rate for mine, theirs in zip(ours, others, strict=True))


def _median(found: Sequence[Measured]) -> Measured:
    return Measured(*(statistics.median(getattr(m, name) for m in found) for name in ("rate", "p50", "p99")))


def _pair(found: Measured) -> str:
    """Format the median and the 99th percentile, in milliseconds."""
    return f"{found.p50 * 1000:.1f} / {found.p99 * 1000:.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description="What durability costs.")
    parser.add_argument("--million", action="store_true", help="with a million conversations in the store")
    parser.add_argument("--scale", type=float, default=1.0, help="so many times the usual turns")
    given = parser.parse_args()
    configure_logs(Settings(log_level="error", _env_file=None))
    calm_collector()
    warnings.simplefilter("ignore", DeprecationWarning)  # the SDK's, of the API that this is about
    if given.million:
        million()
    else:
        asyncio.run(table(given.scale))


if __name__ == "__main__":
    main()
