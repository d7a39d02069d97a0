"""The demo model's process: serves one small model on loopback, and ends when its parent or its work does.

`python -m assistants.service.demo_server` reads its settings, a JSON object, from the first line of standard input.
Each further line is a number. It restarts the idle time and is answered with `{"answer_to": NUMBER, "base_url": …}`
once the model answers there.
"""

import asyncio
import importlib
import json
import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO

import httpx
import uvicorn

from assistants.service.demo_front import COMPLETION_TOKENS, PROMPT_TOKENS, front


def main() -> None:
    answers = _own_stdout()
    settings = json.loads(sys.stdin.readline())
    model = _load(settings)
    asyncio.run(_serve(settings, model, answers))
    # A signal ended the server. The thread that waits for the parent's lines cannot be joined.
    os._exit(0)


def _own_stdout() -> TextIO:
    """Reserve standard output for the parent. What the model's library prints there goes to standard error."""
    own = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return own


def _load(settings: dict[str, Any]) -> Any:
    # This library has no types, and no wheel for some platforms.
    library: Any = importlib.import_module("xllamacpp")
    params = library.CommonParams()
    params.model.path = settings["weights"]
    params.model_alias = {settings["model"]}
    params.api_keys = [settings["api_key"]]
    params.hostnames = ["127.0.0.1"]
    params.cpuparams.n_threads = settings["threads"]
    params.n_ctx = PROMPT_TOKENS + COMPLETION_TOKENS
    params.n_parallel = 1
    params.n_predict = COMPLETION_TOKENS
    params.cache_ram_mib = 0
    params.ui = params.endpoint_slots = False
    return library.Server(params)


async def _serve(settings: dict[str, Any], model: Any, answers: TextIO) -> None:
    idle = _IdleEnd(settings["idle_seconds"])
    key = settings["api_key"]
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(
        base_url=model.listening_address,
        headers=headers,
        timeout=None,  # noqa: S113 - the caller sets the limit
        trust_env=False,
    ) as client:
        listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        host, port = listener.getsockname()

        def hello(number: str) -> None:
            idle.put_off()
            answer = {"answer_to": int(number), "base_url": f"http://{host}:{port}/v1"}
            print(json.dumps(answer), file=answers, flush=True)

        _obey(asyncio.get_running_loop(), hello)
        app = front(client, model=settings["model"], key=key, busy=idle.busy)
        config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", ws="none")
        await uvicorn.Server(config).serve(sockets=[listener])


def _obey(loop: asyncio.AbstractEventLoop, hello: Callable[[str], None]) -> None:
    """Answer the parent's lines. They end when the parent ends for any reason; this process then exits at once."""

    def read() -> None:
        for line in sys.stdin:
            loop.call_soon_threadsafe(hello, line)
        os._exit(0)

    threading.Thread(target=read, name="parent", daemon=True).start()


class _IdleEnd:
    """Ends the process after some time without a request, but never during one."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._requests = 0
        self._timer: asyncio.TimerHandle | None = None

    def put_off(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        loop = asyncio.get_running_loop()
        self._timer = None if self._requests else loop.call_later(self._seconds, os._exit, 0)

    @contextmanager
    def busy(self) -> Iterator[None]:
        self._requests += 1
        self.put_off()
        try:
            yield
        finally:
            self._requests -= 1
            self.put_off()


if __name__ == "__main__":
    main()
