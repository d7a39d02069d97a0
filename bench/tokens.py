"""A Chat-Completions endpoint that repeats `word `; the model's name sets the number and rate of tokens.

    python -m bench.tokens

prints its address. `COUNTxRATE` is COUNT tokens at RATE a second, `COUNTx0` as fast as they can be sent.
"""

import asyncio
import json
import time

from aiohttp import web

HEAD = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "bench"}


def _data(chunk: object) -> bytes:
    return f"data: {json.dumps(chunk)}\n\n".encode()


WORD = _data({**HEAD, "choices": [{"index": 0, "delta": {"content": "word "}, "finish_reason": None}]})
STOP = _data({**HEAD, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})


def _usage(prompt: int, count: int) -> bytes:
    usage = {"prompt_tokens": prompt, "completion_tokens": count, "total_tokens": prompt + count}
    return _data({**HEAD, "choices": [], "usage": usage}) + b"data: [DONE]\n\n"


async def _complete(request: web.Request) -> web.StreamResponse:
    raw = await request.read()
    count, rate = (int(part) for part in json.loads(raw)["model"].split("x"))
    response = web.StreamResponse(headers={"content-type": "text/event-stream"})
    await response.prepare(request)
    begun = time.perf_counter()
    for number in range(count):
        if rate and (wait := begun + number / rate - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        await response.write(WORD)
    await response.write(STOP + _usage(len(raw) // 4, count))
    await response.write_eof()
    return response


async def main() -> None:
    app = web.Application(client_max_size=1 << 26)
    app.add_routes([web.post("/v1/chat/completions", _complete)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=4096).start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
