"""A fast assistants server and chat platform in one process, over real HTTP, with only what a turn needs.

    python -m bench.server --delay 0.2

prints its address. A run streams its events at once and ends after `--delay` seconds; a posted message is counted.
"""

import argparse
import asyncio
import itertools
import json
import time
from typing import Any

from aiohttp import web

NUMBERS = itertools.count(1)


def _run(thread: str, number: int, status: str, metadata: Any) -> dict[str, Any]:
    return {
        "id": f"run_{number}",
        "object": "thread.run",
        "created_at": int(time.time()),
        "thread_id": thread,
        "assistant_id": "asst_1",
        "status": status,
        "model": "bench",
        "instructions": "",
        "tools": [],
        "metadata": metadata or {},
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2} if status == "completed" else None,
    }


def _message(thread: str, number: int, text: str) -> dict[str, Any]:
    return {
        "id": f"msg_{number}",
        "object": "thread.message",
        "created_at": int(time.time()),
        "thread_id": thread,
        "run_id": f"run_{number}",
        "assistant_id": "asst_1",
        "status": "completed",
        "role": "assistant",
        "content": [{"type": "text", "text": {"value": text, "annotations": []}}],
        "attachments": [],
        "metadata": {},
    }


def _event(name: str, data: Any) -> bytes:
    return f"event: {name}\ndata: {data if isinstance(data, str) else json.dumps(data)}\n\n".encode()


class Server:
    def __init__(self, delay: float) -> None:
        self.delay = delay
        self._ends: dict[str, float] = {}

    def app(self) -> web.Application:
        app = web.Application()
        app.add_routes(
            [
                web.get("/v1/assistants", self._assistants),
                web.post("/v1/assistants", self._assistant),
                web.post("/v1/threads", self._thread),
                web.post("/v1/threads/{thread}/runs", self._run),
                web.get("/v1/threads/{thread}/runs/{run}", self._poll),
                web.post("/v1/threads/{thread}/messages", self._ask),
                web.get("/v1/threads/{thread}/messages", self._messages),
                web.post("/platform/post", self._post),
                web.post("/delay", self._set_delay),
            ]
        )
        return app

    async def _assistants(self, _: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": [], "first_id": None, "last_id": None, "has_more": False})

    async def _assistant(self, request: web.Request) -> web.Response:
        given = await request.json()
        return web.json_response(
            {
                "id": f"asst_{next(NUMBERS)}",
                "object": "assistant",
                "created_at": 1,
                "tools": [],
                "metadata": {},
                **given,
            }
        )

    async def _thread(self, _: web.Request) -> web.Response:
        return web.json_response(
            {"id": f"thread_{next(NUMBERS)}", "object": "thread", "created_at": 1, "metadata": {}, "tool_resources": {}}
        )

    async def _run(self, request: web.Request) -> web.StreamResponse:
        thread, number, given = request.match_info["thread"], next(NUMBERS), await request.json()
        metadata = given.get("metadata")
        if given.get("stream"):
            return await self._stream(request, thread, number, metadata)
        self._ends[f"run_{number}"] = time.monotonic() + self.delay
        return web.json_response(_run(thread, number, "queued", metadata))

    async def _poll(self, request: web.Request) -> web.Response:
        thread, run = request.match_info["thread"], request.match_info["run"]
        over = time.monotonic() >= self._ends[run]
        if over:
            del self._ends[run]
        return web.json_response(_run(thread, int(run[4:]), "completed" if over else "in_progress", {}))

    async def _ask(self, request: web.Request) -> web.Response:
        await request.read()
        return web.json_response(_message(request.match_info["thread"], next(NUMBERS), "How much?"))

    async def _messages(self, request: web.Request) -> web.Response:
        found = _message(request.match_info["thread"], next(NUMBERS), "It is four.")
        ends = {"first_id": found["id"], "last_id": found["id"], "has_more": False}
        return web.json_response({"object": "list", "data": [found], **ends})

    async def _stream(self, request: web.Request, thread: str, number: int, metadata: Any) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        await response.write(_event("thread.run.created", _run(thread, number, "queued", metadata)))
        await response.write(_event("thread.run.in_progress", _run(thread, number, "in_progress", metadata)))
        if self.delay:
            await asyncio.sleep(self.delay)
        await response.write(
            _event("thread.message.completed", _message(thread, number, "It is four."))
            + _event("thread.run.completed", _run(thread, number, "completed", metadata))
            + _event("done", "[DONE]")
        )
        await response.write_eof()
        return response

    async def _post(self, request: web.Request) -> web.Response:
        await request.read()
        return web.json_response({"ok": True, "ts": str(next(NUMBERS))})

    async def _set_delay(self, request: web.Request) -> web.Response:
        self.delay = float((await request.json())["delay"])
        return web.json_response({})


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--delay", type=float, default=0.0)
    runner = web.AppRunner(Server(parser.parse_args().delay).app(), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=4096)
    await site.start()
    port = runner.addresses[0][1]
    print(f"http://127.0.0.1:{port}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
