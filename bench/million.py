"""Compares an empty database with one of a million conversations and ten million turns: start-up, claim, turn, memory.

python -m bench.turns --million
"""

import asyncio
import sqlite3
import statistics
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp

from bench.asking import measure
from bench.processes import memory, module, program, said
from bench.whole import Ours
from bot.logs import configure_logs
from bot.settings import Settings
from storage.sqlite import SQLiteDatabase

ROUNDS = 3
MILLION = Path(".cache/million.db")


def million() -> None:
    """Measure start-up, claim, dispatch and memory with an empty and a full database, each in its own process."""
    if not MILLION.exists():
        print("filling a store with 1,000,000 conversations and 10,000,000 turns: some minutes, once")
        fill(MILLION)
    found: dict[str, list[list[float]]] = {"empty": [], "a million": []}
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder:
            for name, path in (("empty", Path(folder) / "empty.db"), ("a million", MILLION)):
                figures = said(*module("bench.million", str(path)))
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
    """Fill a database with ended conversations and turns, as after years of use."""
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


if __name__ == "__main__":
    configure_logs(Settings(log_level="error", _env_file=None))
    asyncio.run(one(Path(sys.argv[1])))
