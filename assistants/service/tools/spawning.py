"""Starts a process cancellably; asyncio's own start can hang while the pipes are not connected."""

import asyncio
import contextlib
import os
import signal
from typing import Any

from assistants.service.tools.measuring import descendants


async def spawn(*command: str, **options: Any) -> asyncio.subprocess.Process:
    """Like `asyncio.create_subprocess_exec`, but kills the process when cancelled."""
    starting = asyncio.create_task(asyncio.create_subprocess_exec(*command, **options))
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        process = await starting
        await end(process)
        raise


async def end(process: asyncio.subprocess.Process) -> None:
    """Kill a process with its descendants, and wait for its exit.

    bubblewrap's child asks to die with it only when it has come up: killed before that, it would stay for ever. A
    parent that is stopped starts no more, and gives no number of a child away.
    """
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            process.send_signal(signal.SIGSTOP)
        for started in descendants(process.pid):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(started, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    if process.stdin is not None:
        process.stdin.close()
    await process.wait()
    for stream in (process.stdout, process.stderr):
        await _read_to_the_end(stream)


async def _read_to_the_end(stream: asyncio.StreamReader | None) -> None:
    """Only then asyncio closes the pipe; where somebody is reading already, they will."""
    with contextlib.suppress(RuntimeError):
        while stream is not None and await stream.read(64 << 10):
            pass
