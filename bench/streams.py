"""A server that sends every client the same fixed responses, as fast as one process can, for measuring clients.

    python -m bench.streams

prints its address. Retrieving a thread takes one response; a run is a stream of `DELTAS` events, each written
separately. With `?held` in the address it sends the first half and then stays silent.
"""

import asyncio
import json
from typing import Any

DELTAS = 50
_RUN = {
    "id": "run_1",
    "object": "thread.run",
    "created_at": 1720104398,
    "thread_id": "thread_1",
    "assistant_id": "asst_1",
    "status": "queued",
    "model": "bench",
    "instructions": "Teach.",
    "tools": [],
    "metadata": {},
    "usage": None,
    "temperature": 1.0,
    "top_p": 1.0,
    "max_prompt_tokens": None,
    "max_completion_tokens": None,
    "truncation_strategy": {"type": "auto", "last_messages": None},
    "tool_choice": "auto",
    "parallel_tool_calls": True,
    "response_format": "auto",
}
_THREAD = {"id": "thread_1", "object": "thread", "created_at": 1720104398, "metadata": {}, "tool_resources": {}}


def _message(status: str, text: str) -> dict[str, Any]:
    return {
        "id": "msg_1",
        "object": "thread.message",
        "created_at": 1720104399,
        "thread_id": "thread_1",
        "run_id": "run_1",
        "assistant_id": "asst_1",
        "status": status,
        "role": "assistant",
        "content": [{"type": "text", "text": {"value": text, "annotations": []}}] if text else [],
        "attachments": [],
        "metadata": {},
    }


def _chunk(event: str, data: Any) -> bytes:
    said = f"event: {event}\ndata: {data if isinstance(data, str) else json.dumps(data)}\n\n".encode()
    return f"{len(said):x}\r\n".encode() + said + b"\r\n"


def _delta(text: str) -> bytes:
    content = [{"index": 0, "type": "text", "text": {"value": text}}]
    data = {"id": "msg_1", "object": "thread.message.delta", "delta": {"content": content}}
    return _chunk("thread.message.delta", data)


def _stream() -> list[bytes]:
    words = [f" word{number}" for number in range(DELTAS)]
    return [
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n",
        _chunk("thread.run.created", _RUN),
        _chunk("thread.run.in_progress", {**_RUN, "status": "in_progress"}),
        _chunk("thread.message.created", _message("in_progress", "")),
        *(_delta(word) for word in words),
        _chunk("thread.message.completed", _message("completed", "".join(words))),
        _chunk("thread.run.completed", {**_RUN, "status": "completed"}),
        _chunk("done", "[DONE]"),
        b"0\r\n\r\n",
    ]


STREAM = _stream()
_body = json.dumps(_THREAD).encode()
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(_body) + _body


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]
            await reader.readexactly(int(length or 0))
            if head.startswith(b"GET"):
                writer.write(ANSWER)
                continue
            held = b"held" in head.split(b"\r\n")[0]
            for piece in STREAM[: len(STREAM) // 2] if held else STREAM:
                writer.write(piece)
                await asyncio.sleep(0)  # each piece its own packet, and every stream its turn
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def main() -> None:
    server = await asyncio.start_server(_serve, "127.0.0.1", 0, backlog=4096)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
