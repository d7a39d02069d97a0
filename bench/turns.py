"""What durability costs: turns that are claimed, queued and recorded, beside the same HTTP calls made bare, in one run.

    python -m bench.turns            the table
    python -m bench.turns --million  the same store with a million conversations and ten million turns in it

Both sides use the connector and post through one HTTP client; the server is another process on this machine. `ours` is
the whole way: a message is received, claimed on the disk, dispatched, answered, posted, recorded.
"""

import argparse
import asyncio
import gc
import os
import sqlite3
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from assistants.connector import AssistantsClient
from bench.processes import memory, module, program, said
from bot.adapter import Reply, Turn
from bot.configuration import elsewhere, load_configuration
from bot.core import Core
from bot.dispatch import Dispatcher
from bot.embedded import BUILT_IN
from bot.incoming import Incoming, Person, Place
from bot.local import LocalAdapter
from bot.logs import configure_logs
from bot.marks import Marks
from bot.roster import Roster
from bot.segments import Segment, Snapshot
from bot.settings import Settings
from bot.stops import Stops
from bot.turns import Turns
from bot.unanswered import Unanswered
from bot.watch import Hub
from storage.sqlite import SQLiteDatabase

ROUNDS = 3
MILLION = Path(".cache/million.db")
Ask = Callable[[int], Awaitable[None]]


class Posting:
    """The platform's side: one HTTP call a message."""

    def __init__(self, url: str, http: aiohttp.ClientSession) -> None:
        self._url = url
        self._http = http

    async def post(self, conversation: str) -> None:
        body = {"channel": conversation, "text": "It is four."}
        async with self._http.post(f"{self._url}/platform/post", json=body) as response:
            await response.read()


class BenchReply:
    """`Reply` that posts the whole answer once."""

    def __init__(self, posting: Posting, turn: Turn, posted: dict[str, asyncio.Future[None]]) -> None:
        self._posting = posting
        self._turn = turn
        self._posted = posted

    async def find(self) -> None: ...

    async def show(self, snapshot: Snapshot) -> None: ...

    async def finish(self, _: Sequence[Segment]) -> None:
        key = self._turn.conversation.key
        await self._posting.post(key)
        await self._turn.keep_part(1, f"{key}:{self._turn.tag}", "final")
        self._posted.pop(key).set_result(None)

    async def leave(self, words: str) -> None: ...

    async def aclose(self) -> None: ...


class BenchAdapter(LocalAdapter):
    """An adapter whose people are `Ours.ask`."""

    name = "bench"

    def __init__(self, posting: Posting) -> None:
        super().__init__()
        self._posting = posting
        self.posted: dict[str, asyncio.Future[None]] = {}

    def reply(self, turn: Turn) -> Reply:
        return BenchReply(self._posting, turn, self.posted)


class Ours:
    """The core with one adapter; `claims` are the seconds that receiving took."""

    def __init__(self, core: Core, adapter: BenchAdapter) -> None:
        self._core = core
        self._adapter = adapter
        self._count = 0
        self.claims: list[float] = []

    @classmethod
    @asynccontextmanager
    async def at(cls, url: str, path: Path, http: aiohttp.ClientSession) -> AsyncIterator["Ours"]:
        settings = Settings(_env_file=None)
        db = await asyncio.to_thread(SQLiteDatabase.open, path)
        async with AssistantsClient(f"{url}/v1", api_key="bench") as client:
            configuration = elsewhere(load_configuration(Path("none.toml")), BUILT_IN, "bench")
            roster = Roster(db, configuration, lambda _: True)
            await roster.sync(client)
            adapter = BenchAdapter(Posting(url, http))
            by_name = {"bench": adapter}
            marks, stops, hub = Marks(by_name), Stops(db), Hub()
            dispatcher = Dispatcher(db, Turns(db, client, roster, by_name, marks, stops))
            core = Core(
                settings=settings,
                db=db,
                client=client,
                roster=roster,
                dispatcher=dispatcher,
                adapters=by_name,
                hub=hub,
                marks=marks,
                stops=stops,
                unanswered=Unanswered(db),
                models=None,
            )
            running = asyncio.create_task(dispatcher.run())
            try:
                yield cls(core, adapter)
            finally:
                await dispatcher.leave(30)
                running.cancel()
                await asyncio.wait([running])
                await db.close()

    async def ask(self, number: int) -> None:
        """Says something in a conversation; returns when its answer is posted."""
        self._count += 1
        key = f"bench:{number}"
        posted = self._adapter.posted[key] = asyncio.get_running_loop().create_future()
        incoming = Incoming(
            event=f"bench:{os.getpid()}:{time.time_ns()}:{self._count}",
            place=Place(key, "bench", "w", "c", str(number)),
            author=Person("ada"),
            text="How much is two and two?",
            position=f"{self._count:020d}",
            addressed=True,
        )
        began = time.perf_counter()
        await self._core.receive(incoming)
        self.claims.append(time.perf_counter() - began)
        await posted


class Bare:
    """The same calls, nothing remembered."""

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
            additional_messages=[{"role": "user", "content": "How much is two and two?", "metadata": {"turn": "x"}}],
            metadata={"turn": "x.1"},
        )
        async with stream as events:
            async for _ in events:
                pass
        await self._posting.post(str(number))


@dataclass
class Measured:
    rate: float
    p50: float
    p99: float


async def measure(ask: Ask, conversations: int, turns: int) -> Measured:
    """A closed loop: each conversation asks its next question when it has its answer."""
    times: list[float] = []

    async def talk(number: int) -> None:
        for _ in range(turns):
            began = time.perf_counter()
            await ask(number)
            times.append(time.perf_counter() - began)

    gc.collect()
    began = time.perf_counter()
    await asyncio.gather(*(talk(number) for number in range(conversations)))
    seconds = time.perf_counter() - began
    times.sort()
    return Measured(len(times) / seconds, times[len(times) // 2], times[int(len(times) * 0.99)])


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
        connector = aiohttp.TCPConnector(limit=0)
        http = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
        ours = await stack.enter_async_context(Ours.at(url, folder / "bench.db", http))
        client = await stack.enter_async_context(AssistantsClient(f"{url}/v1", api_key="bench"))
        bare = Bare(client, Posting(url, http))
        print(f"{'':32} {'bare turns/s':>12} {'ours':>8} {'ratio':>7} {'bare p50/p99 ms':>18} {'ours p50/p99 ms':>18}")
        for name, delay, conversations, turns in cases:
            turns = max(1, int(turns * scale))
            async with http.post(f"{url}/delay", json={"delay": delay}):
                pass
            await measure(bare.ask, conversations, 1)  # threads are made, connections are open
            await measure(ours.ask, conversations, 1)
            ours.claims.clear()
            sides: dict[str, list[Measured]] = {"bare": [], "ours": []}
            for _ in range(ROUNDS):
                sides["bare"].append(await measure(bare.ask, conversations, turns))
                sides["ours"].append(await measure(ours.ask, conversations, turns))
            b, o = _median(sides["bare"]), _median(sides["ours"])
            ratios = [mine.rate / theirs.rate for mine, theirs in zip(sides["ours"], sides["bare"], strict=True)]
            ratio = statistics.median(ratios)
            print(f"{name:32} {b.rate:12.0f} {o.rate:8.0f} {ratio:6.0%} {_pair(b):>18} {_pair(o):>18}")
            if conversations == 1:
                claim = statistics.median(ours.claims)
                more = (o.p50 - b.p50 - claim) * 1000
                print(f"{'':32} the claim's commit {claim * 1000:.1f} ms, and {more:.1f} ms more on the answer")


def million() -> None:
    """Start-up, claim, dispatch and memory with an empty store and with a full one, each in a process of its own."""
    if not MILLION.exists():
        print("filling a store with 1,000,000 conversations and 10,000,000 turns: some minutes, once")
        fill(MILLION)
    found: dict[str, list[list[float]]] = {"empty": [], "a million": []}
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder:
            for name, path in (("empty", Path(folder) / "empty.db"), ("a million", MILLION)):
                figures = said(*module("bench.turns", "--one", str(path)))
                found[name].append([float(figure) for figure in figures.split()])
    print(f"{'':12} {'open ms':>9} {'claim ms':>9} {'turn ms':>9} {'idle MB':>9}")
    for name, rounds in found.items():
        print(f"{name:12}", *(f"{statistics.median(figures):9.1f}" for figures in zip(*rounds, strict=True)))
    print(f"a million conversations and ten million turns: {MILLION.stat().st_size / 1e9:.2f} GB")


async def one(path: Path) -> None:
    async with AsyncExitStack() as stack:
        _, url = stack.enter_context(program(*module("bench.server")))
        http = await stack.enter_async_context(aiohttp.ClientSession())
        began = time.perf_counter()
        async with Ours.at(url, path, http) as ours:
            opened = time.perf_counter() - began
            idle = memory()
            found = await measure(ours.ask, 1, 100)
            claim = statistics.median(ours.claims)
    print(opened * 1000, claim * 1000, found.p50 * 1000, idle)


def fill(path: Path) -> None:
    """Conversations and turns as years of use leave them, all of them ended."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    unfinished.unlink(missing_ok=True)

    async def made() -> None:
        await SQLiteDatabase.open(unfinished).close()

    asyncio.run(made())
    db = sqlite3.connect(unfinished, isolation_level=None)
    db.executescript("pragma journal_mode = off; pragma synchronous = off; pragma cache_size = -400000;")
    conversations = (
        "insert into conversations (id, key, platform, workspace, channel, thread, assistant, thread_id, engaged,"
        " created_at, updated_at) select i, 'slack:T1:C' || (i % 500) || ':' || i || '.000001', 'slack',"
        " 'T1', 'C' || (i % 500), i || '.000001', 'assistant', 'thread_' || i, 1, i, i from n"
    )
    turns = (
        "insert into turns (id, tag, conversation, cause, author, assistant, run_id, attempts, failures, outcome,"
        " opened_at, done_at) select i, printf('%012x', i), i % 1000000 + 1, 'message', 'U' || (i % 1000), 'assistant',"
        " 'run_' || i, 1, 0, 'answered', i, i from n"
    )
    incoming = (
        "insert into incoming (id, event, conversation, position, author, kind, turn, received_at) select i,"
        " 'slack:T1:C' || (i % 500) || ':' || i || '.000002', i % 1000000 + 1, i || '.000002', 'U' || (i % 1000),"
        " 'message', i, i from n"
    )
    for sql, most in ((conversations, 1_000_000), (turns, 10_000_000), (incoming, 10_000_000)):
        db.execute(f"with recursive n(i) as (select 1 union all select i + 1 from n where i < {most}) {sql}")  # noqa: S608
    db.execute("pragma journal_mode = wal")
    db.close()
    unfinished.rename(path)


def _median(found: Sequence[Measured]) -> Measured:
    return Measured(*(statistics.median(getattr(m, name) for m in found) for name in ("rate", "p50", "p99")))


def _pair(found: Measured) -> str:
    return f"{found.p50 * 1000:.1f} / {found.p99 * 1000:.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description="What durability costs.")
    parser.add_argument("--million", action="store_true", help="with a million conversations in the store")
    parser.add_argument("--scale", type=float, default=1.0, help="so many times the usual turns")
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    configure_logs(Settings(log_level="error", _env_file=None))
    if given.one:
        asyncio.run(one(given.one))
    elif given.million:
        million()
    else:
        asyncio.run(table(given.scale))


if __name__ == "__main__":
    main()
