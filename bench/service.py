"""Cost of the service: the same model through the service and directly, in one run, over real HTTP.

    python -m bench.service

The service is a real `threadline serve` with a database on this disk; model and client are separate processes.
"""

import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path

import aiohttp

from assistants.contract import Assistant, Message, TextContent, TextValue, Thread
from assistants.service import store
from bench.processes import module, processor, program
from storage.database import Transaction
from storage.sqlite import SQLiteDatabase

LENGTHS = (10, 100, 1_000, 10_000, 100_000)
WORDS = "What people say in a thread is about this long, most of it a line or two. " * 5
HEADERS = {"OpenAI-Beta": "assistants=v2"}
HELLO = [{"role": "user", "content": "hello"}]
# Polling interval in seconds.
POLL = 0.05
# A small context window and a large one; messages that do not fit are not read.
WINDOWS = {"small": 8_192, "large": 131_072}

Ask = Callable[[], Awaitable[None]]


class Client:
    """Sends the same requests to the model and the service."""

    def __init__(self, http: aiohttp.ClientSession, model: str, service: str) -> None:
        self._http = http
        self._model = model
        self._service = service

    async def direct(self, model: str, said: Sequence[object] = HELLO) -> AsyncIterator[float]:
        """Return the arrival times of a completion's deltas."""
        body = {
            "model": model,
            "stream": True,
            "stream_options": {"include_usage": True},
            "messages": said,
        }
        async with self._http.post(f"{self._model}/v1/chat/completions", json=body) as response:
            async for line in response.content:
                if line.startswith(b"data: ") and b'"content"' in line:
                    yield time.perf_counter()

    async def through(self, path: str, body: object) -> AsyncIterator[float]:
        """Return the arrival times of a streamed run's deltas."""
        async with self._http.post(f"{self._service}/v1{path}", json=body) as response:
            assert response.status == 200, await response.text()
            async for line in response.content:
                if line.startswith(b"event: thread.message.delta"):
                    yield time.perf_counter()
                assert not line.startswith(b"event: thread.run.failed"), await response.text()

    def new(self, model: str) -> AsyncIterator[float]:
        body = {
            "assistant_id": "asst_bench",
            "model": model,
            "stream": True,
            "thread": {"messages": HELLO},
        }
        return self.through("/threads/runs", body)

    async def call(self, method: str, path: str, body: object = None) -> dict[str, object]:
        async with self._http.request(method, f"{self._service}/v1{path}", json=body) as response:
            assert response.status == 200, await response.text()
            answer: dict[str, object] = await response.json()
            return answer


async def first(deltas: AsyncIterator[float]) -> float:
    """Return milliseconds to the first delta; the rest is read, too."""
    begun = time.perf_counter()
    times = [at async for at in deltas]
    return (times[0] - begun) * 1000


async def rate(ask: Ask, at_once: int, times: int) -> float:
    """Return completions per second at the given concurrency."""
    left = iter(range(times))

    async def one() -> None:
        for _ in left:
            await ask()

    begun = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(at_once)))
    return times / (time.perf_counter() - begun)


async def read(deltas: AsyncIterator[float]) -> int:
    return sum([1 async for _ in deltas])


async def first_deltas(client: Client) -> None:
    pairs = [(await first(client.direct("5x0")), await first(client.new("5x0"))) for _ in range(150)][20:]
    direct, through = ([pair[side] for pair in pairs] for side in (0, 1))
    added = statistics.median(through) - statistics.median(direct)
    print("first delta, one at a time (p50, p95)")
    for name, values in (("direct", direct), ("through the service", through)):
        print(f"  {name:22}{statistics.median(values):8.1f} ms{statistics.quantiles(values, n=20)[18]:8.1f} ms")
    print(f"  {'added':22}{added:8.1f} ms\n")


async def throughput(client: Client, pid: int) -> None:
    rows = []
    for name, ask in (("direct", client.direct), ("through the service", client.new)):
        spent, begun = processor(pid), time.perf_counter()
        count = await read(ask("5000x0"))
        rows.append((name, count / (time.perf_counter() - begun), (processor(pid) - spent) / count * 1e6))
    print("one stream of 5,000 tokens, as fast as they come")
    for name, tokens, cpu in rows:
        told = f"{cpu:8.0f} ms of the service's processor time per 1,000" if name != "direct" else ""
        print(f"  {name:22}{tokens:8.0f} tokens/s{told}")
    print()


async def paced(client: Client, pid: int) -> None:
    """Run a hundred streams of 30 tokens per second for ten seconds; measure each token's delay."""

    async def late(deltas: AsyncIterator[float]) -> list[float]:
        times = [at async for at in deltas]
        start = min(at - n / 30 for n, at in enumerate(times))
        return [at - start - n / 30 for n, at in enumerate(times)]

    print("100 streams at once, 30 tokens/s each, 300 tokens")
    for name, ask in (("direct", client.direct), ("through the service", client.new)):
        spent, begun = processor(pid), time.perf_counter()
        streams = await asyncio.gather(*(late(ask("300x30")) for _ in range(100)))
        took = time.perf_counter() - begun
        delays = sorted(delay for stream in streams for delay in stream)
        ends = max(stream[-1] for stream in streams)
        cpu = (processor(pid) - spent) / len(delays) * 1e6
        told = f", {cpu:.0f} ms of processor time per 1,000 tokens" if name != "direct" else ""
        print(
            f"  {name:22}lateness p50 {delays[len(delays) // 2] * 1000:.1f} ms, p99"
            f" {delays[int(len(delays) * 0.99)] * 1000:.1f} ms, last token at worst {ends * 1000:.1f} ms;"
            f" {took:.2f} s{told}"
        )
    print()


async def requests(client: Client) -> None:
    thread = (await client.call("POST", "/threads", {}))["id"]
    (message,) = HELLO
    posted = (await client.call("POST", f"/threads/{thread}/messages", message))["id"]

    async def post() -> None:
        await client.call("POST", f"/threads/{thread}/messages", message)

    async def get() -> None:
        await client.call("GET", f"/threads/{thread}/messages/{posted}")

    async def turn() -> None:
        await read(client.new("5x0"))

    async def polled() -> None:
        thread = f"/threads/{(await client.call('POST', '/threads', {}))['id']}"
        await client.call("POST", f"{thread}/messages", message)
        run = await client.call("POST", f"{thread}/runs", {"assistant_id": "asst_bench"})
        while run["status"] != "completed":
            await asyncio.sleep(POLL)
            run = await client.call("GET", f"{thread}/runs/{run['id']}")
        await client.call("GET", f"{thread}/messages")

    async def direct() -> None:
        await read(client.direct("5x0"))

    print("a second: single requests, then all that a question takes (thread, message, run, answer)")
    print(f"{'':24}{'1 at once':>10}{'50 at once':>12}")
    for name, ask, times in (
        ("post a message", post, 1_000),
        ("get a message", get, 1_500),
        ("one streamed request", turn, 400),
        ("five requests, polled", polled, 400),
        ("the model, directly", direct, 400),
    ):
        print(f"  {name:22}{await rate(ask, 1, times // 8):10.0f}{await rate(ask, 50, times):12.0f}")
    print()


async def lengths(client: Client) -> None:
    print(f"{'first delta (p50)':24}" + "".join(f"{name + f' {size:,}':>16}" for name, size in WINDOWS.items()))
    found: dict[tuple[int, str], list[float]] = {}
    for _ in range(12):
        for length in LENGTHS:
            for model in WINDOWS:
                body = {"assistant_id": "asst_bench", "model": model, "stream": True}
                took = await first(client.through(f"/threads/thread_{length}/runs", body))
                found.setdefault((length, model), []).append(took)
        for model, size in WINDOWS.items():
            # Assumes four bytes per token, plus some overhead per message.
            full = [{"role": "user", "content": WORDS}] * (4 * size // (len(WORDS) + 40))
            found.setdefault((0, model), []).append(await first(client.direct("5x0", full)))
    for length in (0, *LENGTHS):
        row = "".join(f"{statistics.median(found[length, model][2:]):13.1f} ms" for model in WINDOWS)
        print(f"  {f'{length:>9,} messages' if length else 'directly, all of it':22}{row}")


async def fill(path: Path) -> None:
    """Create an assistant, and a thread of each length."""
    db = SQLiteDatabase.open(path)
    await db.write(store.add, Assistant(id="asst_bench", created_at=1, model="5x0"))
    for length in LENGTHS:
        await db.write(store.add, Thread(id=f"thread_{length}", created_at=1))
        for start in range(0, length, 200):
            await db.write(_say, length, range(start, min(start + 200, length)))
    await db.close()


def _say(tx: Transaction, length: int, numbers: range) -> None:
    for number in numbers:
        message = Message(
            id=f"msg_{length}_{number}",
            created_at=1,
            thread_id=f"thread_{length}",
            status="completed",
            role="user" if number % 2 == 0 else "assistant",
            content=[TextContent(text=TextValue(value=f"{number} {WORDS}"))],
        )
        store.add(tx, message)


def serving(folder: str, model: str) -> dict[str, str]:
    """Return the service's settings for a model."""
    models = "".join(
        f'[models.{name}]\nbase_url = "{model}/v1"\nmodel = "5x0"\ncontext = {size}\n' for name, size in WINDOWS.items()
    )
    Path(folder, "threadline.toml").write_text(models)
    return {
        "PORT": "0",
        "DATA_DIR": folder,
        "LOG_LEVEL": "warning",
        "API_REQUESTS_PER_MINUTE": "0",
        "MODEL_BASE_URL": f"{model}/v1",
        "MODEL": "5x0",
    }


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        await fill(Path(folder, "threadline.db"))
        threadline = str(Path(sys.executable).with_name("threadline"))
        root = str(Path(__file__).parent.parent)
        with (
            program(*module("bench.tokens"), cwd=root) as (_, model),
            program(threadline, "serve", cwd=folder, env=os.environ | serving(folder, model)) as (pid, service),
        ):
            connector = aiohttp.TCPConnector(limit=0)
            async with aiohttp.ClientSession(connector=connector, headers=HEADERS, read_bufsize=1 << 20) as http:
                client = Client(http, model, service)
                await first_deltas(client)
                await throughput(client, pid)
                await paced(client, pid)
                await requests(client)
                await lengths(client)


if __name__ == "__main__":
    asyncio.run(main())
