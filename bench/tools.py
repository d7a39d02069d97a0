"""Cost of the sandbox: opening a session, a call, fifty idle sessions, each compared with bare Python.

    python -m bench.tools [--sessions 50] [--calls 200]

Times are medians. `bare` starts a Python for every piece of code, as a program without a sandbox would.
"""

import argparse
import asyncio
import os
import statistics
import sys
import time
from collections.abc import Awaitable, Callable

from assistants.service.tools import Limits, Sandbox
from assistants.service.tools.measuring import children, measure

OPENINGS = 15
IDLE_SECONDS = 5.0
MIB = 1 << 20


async def timed(work: Callable[[], Awaitable[object]], times: int) -> float:
    """Return the median in milliseconds."""
    took = []
    for _ in range(times):
        begun = time.perf_counter()
        await work()
        took.append((time.perf_counter() - begun) * 1000)
    return statistics.median(took)


async def bare() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-c", "print(6 * 7)"), stdout=asyncio.subprocess.PIPE
    )
    await process.communicate()


async def opening(sandbox: Sandbox) -> float:
    """Measure from a cold start to the result of the first call."""

    async def once() -> None:
        async with sandbox.session("open") as session:
            await session.run("print(6 * 7)")

    took = []
    for _ in range(OPENINGS):
        took.append(await timed(once, 1))
        await sandbox.end("open")
    return statistics.median(took)


async def calling(sandbox: Sandbox, calls: int) -> float:
    async with sandbox.session("calls") as session:
        return await timed(lambda: session.run("print(6 * 7)"), calls)


async def idling(sandbox: Sandbox, sessions: int) -> tuple[float, float]:
    """Return MiB per session, and the processor seconds that all use in one idle second."""
    for number in range(sessions):
        async with sandbox.session(str(number)) as session:
            await session.run("x = 1")
    memory = sum(measure(child).memory for child in children(os.getpid()))
    before = sum(measure(child).processor for child in children(os.getpid()))
    own = time.process_time()
    await asyncio.sleep(IDLE_SECONDS)
    used = sum(measure(child).processor for child in children(os.getpid())) - before
    return memory / sessions / MIB, (used + time.process_time() - own) / IDLE_SECONDS


async def main(sessions: int, calls: int) -> None:
    probed = time.perf_counter()
    async with await Sandbox.open(Limits(sessions=sessions), spares=0) as sandbox:
        print(f"probe by all canaries      {time.perf_counter() - probed:8.1f} s")
        python = await timed(bare, OPENINGS)
        opened, called = await opening(sandbox), await calling(sandbox, calls)
        print(f"bare: a Python a call      {python:8.1f} ms")
        print(f"open a session and call it {opened:8.1f} ms  ({opened / python:.2f} x bare)")
        print(f"call a session             {called:8.2f} ms  ({called / python:.3f} x bare)")
        await sandbox.end("calls")
        memory, processor = await idling(sandbox, sessions)
        share = f"{processor * 100:.2f} % of one processor together"
        print(f"{sessions:3} idle sessions          {memory:8.1f} MiB each, {share}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=50)
    parser.add_argument("--calls", type=int, default=200)
    arguments = parser.parse_args()
    asyncio.run(main(arguments.sessions, arguments.calls))
