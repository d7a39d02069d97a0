"""The program itself, watched from outside: every commit and every call that has an effect is a point, and it can be
told to die at any of them. SIGUSR1 has it write how it is into the file HEALTH_LOG.

A point before a commit or a call means that nothing has happened yet; one after it that it has, and that the program
has not seen so. Points count from the moment the file POINTS_ARMED exists; each is a line of the file POINTS_LOG;
POINTS_KILL is the number of the one to die at, or its name; POINTS_SIGNAL is what it dies of, SIGKILL unless said
otherwise. After SIGTERM it leaves in its own way, and other points may follow.
"""

import asyncio
import functools
import gc
import json
import os
import re
import signal
import threading
from pathlib import Path
from typing import Any, cast

import aiohttp
import httpx

from assistants.service.asgi_transport import LocalTransport
from bot import cli, settling, turns
from storage.sqlite import SQLiteDatabase

_READS = {"GET", "HEAD"}
_IDS = re.compile(r"(?<=/)(?:(?:thread|run|msg|asst|step)_\w+|\d{6,}|[\w-]{40,})")


class Points:
    def __init__(self) -> None:
        self._armed = Path(os.environ["POINTS_ARMED"])
        self._kill_at = os.environ.get("POINTS_KILL")
        self._signal = signal.Signals[os.environ.get("POINTS_SIGNAL", "SIGKILL")]
        self._log = os.open(os.environ["POINTS_LOG"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._count = 0

    def reach(self, name: str) -> None:
        if not self._armed.exists():
            return
        self._count += 1
        dies = self._kill_at in (str(self._count), name)
        os.write(self._log, f"{'died ' if dies else ''}{name}\n".encode())
        if dies:
            self._kill_at = None
            os.kill(os.getpid(), self._signal)


def watch(points: Points) -> None:
    """Put eyes on the store, on what goes to platforms and model, and on what goes to the service in the process."""
    write: Any = SQLiteDatabase.write
    request: Any = aiohttp.ClientSession._request
    local: Any = LocalTransport.handle_async_request

    @functools.wraps(write)
    async def watched_write(self: SQLiteDatabase, job: Any, /, *args: Any, **kwargs: Any) -> Any:
        name = f"commit {job.__name__}"
        points.reach(f"before {name}")
        result = await write(self, job, *args, **kwargs)
        points.reach(f"after {name}")
        return result

    @functools.wraps(request)
    async def watched_request(self: aiohttp.ClientSession, method: str, url: Any, **more: Any) -> Any:
        if method in _READS:
            return await request(self, method, url, **more)
        name = f"{method} {_IDS.sub('…', str(url).partition('?')[0].partition('://')[2].partition('/')[2])}"
        points.reach(f"before {name}")
        response = await request(self, method, url, **more)
        points.reach(f"after {name}")
        return response

    @functools.wraps(local)
    async def watched_local(self: LocalTransport, asked: httpx.Request) -> httpx.Response:
        if asked.method in _READS:
            return cast(httpx.Response, await local(self, asked))
        name = f"{asked.method} service{_IDS.sub('…', asked.url.path)}"
        points.reach(f"before {name}")
        response: httpx.Response = await local(self, asked)
        points.reach(f"after {name}")
        return response

    seams: dict[type, tuple[str, Any]] = {
        SQLiteDatabase: ("write", watched_write),
        aiohttp.ClientSession: ("_request", watched_request),
        LocalTransport: ("handle_async_request", watched_local),
    }
    for owner, (name, watched) in seams.items():
        setattr(owner, name, watched)


def tell_health(_: int, __: object) -> None:
    """Into another file first: whoever reads the real one finds it whole."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    health = {
        "memory": pages * os.sysconf("SC_PAGE_SIZE"),
        "tasks": len(asyncio.all_tasks()),
        "files": len(os.listdir("/proc/self/fd")),
        "threads": threading.active_count(),
    }
    log = Path(os.environ["HEALTH_LOG"])
    log.with_suffix(".part").write_text(json.dumps(health), "utf-8")
    log.with_suffix(".part").rename(log)


def main() -> None:
    signal.signal(signal.SIGUSR1, tell_health)
    watch(Points())
    # The simulated platforms commit nothing late.
    settling.COMMIT = turns.BACK_OFF = 0.1
    cli.main(["run"])


if __name__ == "__main__":
    main()
