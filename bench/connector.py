"""Compares the connector with the `openai` SDK and bare aiohttp, on one server, in one run.

    python -m bench.connector

Streams have 50 events. Every client reads them all and assembles the text: the SDK with its plain event stream, its
fastest way, aiohttp with only `json.loads`. Compare the ratios, not the absolute numbers. Other load on the machine
affects the rates more than the processor time per request or stream.
"""

import argparse
import asyncio
import gc
import json
import os
import statistics
import sys
import time
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

import aiohttp
import openai

from assistants.connector import AssistantsClient
from assistants.contract import MessageDelta
from bench.processes import memory, module, program, said
from bench.streams import DELTAS

HELD = 200
LEVELS = (1, 10, 100)


class Client(Protocol):
    """One client under test."""

    async def get(self) -> None: ...

    def words(self) -> AsyncIterator[str]: ...

    async def aclose(self) -> None: ...


class Ours:
    def __init__(self, url: str) -> None:
        self._client = AssistantsClient(f"{url}/v1", "sk-bench", max_retries=0)

    async def get(self) -> None:
        await self._client.threads.retrieve("thread_1")

    async def words(self) -> AsyncIterator[str]:
        async with self._client.threads.runs.stream("thread_1", assistant_id="asst_1") as events:
            async for event in events:
                yield event.data.text if isinstance(event.data, MessageDelta) else ""

    async def aclose(self) -> None:
        await self._client.aclose()


class Sdk:
    def __init__(self, url: str) -> None:
        self._client = openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="sk-bench", max_retries=0)

    async def get(self) -> None:
        await self._client.beta.threads.retrieve("thread_1")

    async def words(self) -> AsyncIterator[str]:
        runs = self._client.beta.threads.runs
        stream: Any = await runs.create(thread_id="thread_1", assistant_id="asst_1", stream=True)
        async with stream:
            async for event in stream:
                if event.event == "thread.message.delta":
                    yield event.data.delta.content[0].text.value
                else:
                    yield ""

    async def aclose(self) -> None:
        await self._client.close()


class Bare:
    def __init__(self, url: str) -> None:
        self._url = f"{url}/v1"
        headers = {"Authorization": "Bearer sk-bench", "OpenAI-Beta": "assistants=v2"}
        self._http = aiohttp.ClientSession(headers=headers, connector=aiohttp.TCPConnector(limit=0))

    async def get(self) -> None:
        async with self._http.get(f"{self._url}/threads/thread_1") as response:
            json.loads(await response.read())

    async def words(self) -> AsyncIterator[str]:
        body = {"assistant_id": "asst_1", "stream": True}
        async with self._http.post(f"{self._url}/threads/thread_1/runs", json=body) as response:
            name = b""
            async for line in response.content:
                if line.startswith(b"event: "):
                    name = line[7:-1]
                elif line.startswith(b"data: ") and name != b"done":
                    data = json.loads(line[6:])
                    delta = name == b"thread.message.delta"
                    yield data["delta"]["content"][0]["text"]["value"] if delta else ""

    async def aclose(self) -> None:
        await self._http.close()


CLIENTS: dict[str, Callable[[str], Client]] = {"openai SDK": Sdk, "ours": Ours, "bare aiohttp": Bare}


@dataclass(frozen=True)
class Measured:
    """Rate per second, processor seconds per request in this process, and seconds to the first event."""

    rate: float
    processor: float
    p50: float
    p99: float


async def _stream(client: Client) -> float:
    began, first, text = time.perf_counter(), 0.0, ""
    async for word in client.words():
        first = first or time.perf_counter() - began
        text += word
    assert text.count(" word") == DELTAS, text
    return first


async def _get(client: Client) -> float:
    began = time.perf_counter()
    await client.get()
    return time.perf_counter() - began


async def _measure(once: Callable[[], Awaitable[float]], at_once: int, seconds: float) -> Measured:
    times: list[float] = []
    gc.collect()
    began, used = time.perf_counter(), time.process_time()

    async def worker() -> None:
        while time.perf_counter() - began < seconds:
            times.append(await once())

    await asyncio.gather(*(worker() for _ in range(at_once)))
    took, used = time.perf_counter() - began, time.process_time() - used
    times.sort()
    return Measured(len(times) / took, used / len(times), times[len(times) // 2], times[int(len(times) * 0.99)])


async def _compare(what: str, ask: Callable[[Client], Awaitable[float]], url: str, given: argparse.Namespace) -> None:
    clients = {name: make(url) for name, make in CLIENTS.items()}
    columns = f"{'of the SDK':>11} {'of aiohttp':>11} {'processor, ms':>14}"
    print(f"\n{what:14} {'a second':>10} {'first event p50 / p99, ms':>28} {columns}")
    for level in LEVELS:
        found: dict[str, list[Measured]] = {name: [] for name in clients}
        for _ in range(given.rounds):
            for name, client in clients.items():
                measured = await _measure(lambda client=client: ask(client), level, given.seconds)  # type: ignore[misc]
                found[name].append(measured)
        print(f"at once: {level}")
        for name, all_of in found.items():
            middle = (statistics.median(getattr(m, key) for m in all_of) for key in ("rate", "p50", "p99", "processor"))
            rate, p50, p99, processor = middle
            sdk, bare = (_ratio(all_of, found[other]) for other in ("openai SDK", "bare aiohttp"))
            latency = f"{p50 * 1000:.1f} / {p99 * 1000:.1f}"
            print(
                f"  {name:12} {rate:10.0f} {latency:>28} {sdk:10.1f}x {bare:10.2f}x {processor * 1000:14.2f}",
                flush=True,
            )
    for client in clients.values():
        await client.aclose()


def _ratio(mine: list[Measured], theirs: list[Measured]) -> float:
    return statistics.median(one.rate / other.rate for one, other in zip(mine, theirs, strict=True))


async def _held(name: str, url: str) -> None:
    """Print the memory per open stream, in kilobytes."""
    client = CLIENTS[name](f"{url}/held")
    streams: list[AsyncIterator[str]] = []

    async def begin() -> None:
        stream = client.words()
        streams.append(stream)
        for _ in range(DELTAS // 2):
            await anext(stream)

    await asyncio.gather(*(begin() for _ in range(10)))  # what is made once is made
    before = _kilobytes()
    await asyncio.gather(*(begin() for _ in range(HELD)))
    print((_kilobytes() - before) / HELD)
    sys.stdout.flush()
    os._exit(0)  # nobody waits for the ends that do not come


def _kilobytes() -> float:
    gc.collect()
    return memory() * 1024


def _memory_table(url: str) -> None:
    print(f"\nmemory of each of {HELD} open streams")
    for name in CLIENTS:
        held = said(*module("bench.connector", "--held", name, "--url", url))
        print(f"  {name:12} {float(held):10.0f} KB", flush=True)


async def _run(given: argparse.Namespace) -> None:
    with program(*module("bench.streams")) as (_, url):
        await _compare("requests", _get, url, given)
        await _compare("streams", _stream, url, given)
        await asyncio.to_thread(_memory_table, url)


def main() -> None:
    parser = argparse.ArgumentParser(description="The connector beside others.")
    parser.add_argument("--seconds", type=float, default=2.0, help="for each client at each level, each round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--held", help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    given = parser.parse_args()
    warnings.simplefilter("ignore", DeprecationWarning)  # the SDK warns at every call of this API
    asyncio.run(_held(given.held, given.url) if given.held else _run(given))


if __name__ == "__main__":
    main()
