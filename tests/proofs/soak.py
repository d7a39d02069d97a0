"""Soak: many turns on both simulated platforms in one process, which must hold no more in the end than at first.

    python -m tests.proofs.soak --turns 20000

Whenever everything is answered the program says what it holds: memory, tasks, files, threads.
"""

import argparse
import asyncio
import shutil
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import click

from tests.proofs.crowd import Crowd, Health

# Python's allocator does not give back every page: so much more memory after so many turns is no leak.
MEMORY = 1.1
SAMPLES = 20


async def story(turns: int, conversations: int) -> list[Health]:
    """What the program held, again and again, while it answered so many turns; the first fifth is for warming up."""
    folder = Path(tempfile.mkdtemp(prefix="soak-"))
    try:
        async with Crowd.gathered(folder, conversations, seed=0) as crowd:
            found: list[Health] = []
            while crowd.asked < turns:
                await crowd.round()
                if crowd.asked >= turns * (len(found) + 1) / SAMPLES:
                    found.append(await crowd.health())
                    click.echo(f"{crowd.asked:7,} turns: {_words(found[-1])}")
            return found
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


def growth(found: Sequence[Health], conversations: int) -> list[str]:
    """What was more in the last third than it ever was in the one before; nothing, where all stayed flat.

    Connections are kept for the next answer: to the model and to its platform, one a conversation at most.
    """
    allowed = {"files": 2 * conversations}
    third = len(found) // 3
    early, late = found[third : 2 * third], found[-third:]
    grown = []
    for name in ("memory", "tasks", "files", "threads"):
        before = max(getattr(one, name) for one in early)
        after = statistics.median(getattr(one, name) for one in late)
        if after > before * (MEMORY if name == "memory" else 1) + allowed.get(name, 0):
            grown.append(f"{name} grew from {before:,.0f} to {after:,.0f}")
    return grown


def _words(health: Health) -> str:
    memory = f"{health.memory / 1e6:.1f} MB"
    return f"{memory}, {health.tasks} tasks, {health.files} files, {health.threads} threads"


def main() -> int:
    parser = argparse.ArgumentParser(description="Memory, tasks and file handles stay flat.")
    parser.add_argument("--turns", type=int, default=20_000)
    parser.add_argument("--conversations", type=int, default=300)
    given = parser.parse_args()
    grown = growth(asyncio.run(story(given.turns, given.conversations)), given.conversations)
    click.echo("\n".join(grown) or "flat")
    return 1 if grown else 0


if __name__ == "__main__":
    sys.exit(main())
