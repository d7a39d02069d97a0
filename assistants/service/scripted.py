"""A Chat-Completions model that follows a script; used by the Tour and by tests.

`python -m assistants.service.scripted --port N` serves only this model, with a small control API: `POST /script` queues
replies, `GET /requests` returns the requests so far, `GET /held` answers once a reply is held, and `POST /release`
releases it.
"""

import asyncio
import itertools
from collections import deque
from collections.abc import AsyncIterator
from typing import Any

import click
import uvicorn
from pydantic import TypeAdapter
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from assistants.service.script import (
    Body,
    Script,
    ScriptedCall,
    ScriptedError,
    ScriptedReply,
    asked,
    chunk,
    completion,
    data,
    deltas,
    echo,
    finish,
    letters,
    usage,
)

__all__ = ["Body", "Script", "ScriptedCall", "ScriptedError", "ScriptedModel", "ScriptedReply", "asked", "echo"]


class ScriptedModel:
    """The model as an ASGI app. Replies from its queue first, then from `script`."""

    def __init__(self, *replies: ScriptedReply, script: Script = echo, names: tuple[str, ...] = ("scripted",)) -> None:
        self.queue: deque[ScriptedReply] = deque(replies)
        self.requests: list[Body] = []
        self._script = script
        self._names = names
        self._numbers = itertools.count(1)
        self._holding = 0
        self._held = asyncio.Event()
        self._released = asyncio.Event()
        routes = [
            Route("/v1/chat/completions", self._complete, methods=["POST"]),
            Route("/v1/models", self._models),
            Route("/v1/embeddings", self._embed, methods=["POST"]),
        ]
        self.app = Starlette(routes=routes)
        self.controlled = Starlette(
            routes=[
                *routes,
                Route("/script", self._queue, methods=["POST"]),
                Route("/requests", self._requests),
                Route("/held", self._wait_held),
                Route("/release", self._release, methods=["POST"]),
            ]
        )

    def play(self, *replies: ScriptedReply) -> None:
        self.queue.extend(replies)

    async def held(self) -> None:
        """Wait until a reply is held."""
        await self._held.wait()

    def release(self) -> None:
        """Release the held reply and any later one."""
        self._released.set()

    async def _complete(self, request: Request) -> Response:
        body: Body = await request.json()
        self.requests.append(body)
        reply = self.queue.popleft() if self.queue else self._script(body)
        await asyncio.sleep(reply.delay)
        if reply.error is not None:
            return _failed(reply.error)
        number = next(self._numbers)
        if not body.get("stream"):
            await self._hold(reply)
            return JSONResponse(completion(number, body, reply))
        return StreamingResponse(self._stream(number, body, reply), media_type="text/event-stream")

    async def _stream(self, number: int, body: Body, reply: ScriptedReply) -> AsyncIterator[str]:
        # By the clock, so that a busy machine does not slow the script down.
        clock, begun = asyncio.get_running_loop().time, asyncio.get_running_loop().time()
        for count, delta in enumerate(deltas(number, reply)):
            if count == reply.cut_after:
                raise ConnectionResetError("the script cuts the answer here")
            if count == reply.hold_after:
                await self._hold(reply)
            yield data(chunk(number, body, delta, None))
            await asyncio.sleep(max(0.0, begun + (count + 1) * reply.chunk_delay - clock()))
        yield data(chunk(number, body, {}, finish(reply)))
        if (body.get("stream_options") or {}).get("include_usage"):
            yield data({**chunk(number, body, {}, None), "choices": [], "usage": usage(body, reply)})
        yield "data: [DONE]\n\n"

    async def _hold(self, reply: ScriptedReply) -> None:
        if reply.hold_after is not None:
            self._holding += 1
            self._held.set()
            try:
                await self._released.wait()
            finally:  # also if the reader has gone
                self._holding -= 1
                self._released.clear()
                if not self._holding:
                    self._held.clear()

    async def _models(self, _: Request) -> Response:
        data = [{"id": name, "object": "model", "created": 0, "owned_by": "threadline"} for name in self._names]
        return JSONResponse({"object": "list", "data": data})

    async def _embed(self, request: Request) -> Response:
        body: Body = await request.json()
        texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
        data = [{"object": "embedding", "index": n, "embedding": letters(text)} for n, text in enumerate(texts)]
        usage = {"prompt_tokens": 0, "total_tokens": 0}
        return JSONResponse({"object": "list", "data": data, "model": body.get("model", ""), "usage": usage})

    async def _queue(self, request: Request) -> Response:
        self.play(*TypeAdapter(list[ScriptedReply]).validate_json(await request.body()))
        return JSONResponse({"queued": len(self.queue)})

    async def _requests(self, _: Request) -> Response:
        return JSONResponse(self.requests)

    async def _wait_held(self, _: Request) -> Response:
        await self.held()
        return JSONResponse({"held": True})

    async def _release(self, _: Request) -> Response:
        self.release()
        return JSONResponse({"released": True})


def _failed(error: ScriptedError) -> Response:
    headers = {"retry-after": error.retry_after} if error.retry_after else {}
    if error.body is not None:
        return Response(error.body, status_code=error.status, headers=headers, media_type="text/html")
    detail = {"message": error.message, "type": "server_error", "param": None, "code": None}
    return JSONResponse({"error": detail}, status_code=error.status, headers=headers)


class Announced(uvicorn.Server):
    """Prints its address, so that port 0 can be used."""

    async def startup(self, sockets: list[Any] | None = None) -> None:
        await super().startup(sockets)
        port = self.servers[0].sockets[0].getsockname()[1]
        click.echo(f"http://127.0.0.1:{port}")


@click.command()
@click.option("--port", default=0, help="The port to listen on; 0 takes a free one.")
def main(port: int) -> None:
    """Serve the scripted model on loopback and print its address."""

    async def serve() -> None:
        config = uvicorn.Config(ScriptedModel().controlled, host="127.0.0.1", port=port, log_level="warning")
        await Announced(config).serve()

    asyncio.run(serve())


if __name__ == "__main__":
    main()
