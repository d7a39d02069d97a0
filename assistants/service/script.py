"""The replies of a scripted model, and their Chat-Completions form."""

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from zlib import crc32

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ScriptedCall:
    """A call of a function tool."""

    name: str
    arguments: str = "{}"
    id: str | None = None


@dataclass(frozen=True, slots=True)
class ScriptedError:
    """A reply that is an error; `body` replaces the usual JSON."""

    status: int = 500
    message: str = "The model is not well."
    retry_after: str | None = None
    body: str | None = None


@dataclass(frozen=True, slots=True)
class ScriptedReply:
    """One answer of the model. Times are in seconds; `hold_after` and `cut_after` count chunks.

    A held reply pauses there until it is released. A cut reply closes the connection there.
    """

    text: str = ""
    chunks: tuple[str, ...] | None = None
    tool_calls: tuple[ScriptedCall, ...] = ()
    delay: float = 0.0
    chunk_delay: float = 0.0
    error: ScriptedError | None = None
    hold_after: int | None = None
    cut_after: int | None = None
    finish: str | None = None
    refusal: str = ""

    @property
    def pieces(self) -> tuple[str, ...]:
        return self.chunks if self.chunks is not None else tuple(re.findall(r"\s*\S+\s*?(?=\s|$)|\s+", self.text))


Script = Callable[[Body], ScriptedReply]


def asked(request: Body) -> str:
    """Return the text of the newest user message of a request."""
    for message in reversed(request.get("messages", [])):
        if message.get("role") == "user":
            return plain(message.get("content"))
    return ""


def plain(content: Any) -> str:
    """Return the text of a message's content, a string or parts."""
    if isinstance(content, str):
        return content
    return "\n".join(part.get("text", "") for part in content or () if part.get("type") == "text")


def echo(request: Body) -> ScriptedReply:
    """Return the default reply."""
    return ScriptedReply(text=f"You said: {asked(request)}")


def letters(text: str, dimensions: int = 512) -> list[float]:
    """Return a stand-in for an embedding: the counts of three-letter sequences in a text. It knows no meaning."""
    vector = [0.0] * dimensions
    for word in re.findall(r"\w+", text.casefold()):
        padded = f" {word} "
        for start in range(len(padded) - 2):
            vector[crc32(padded[start : start + 3].encode()) % dimensions] += 1.0
    return vector


def deltas(number: int, reply: ScriptedReply) -> list[Body]:
    deltas: list[Body] = [{"content": piece} for piece in reply.pieces]
    deltas += [{"refusal": piece} for piece in re.findall(r"\s*\S+", reply.refusal)]
    for index, call in enumerate(reply.tool_calls):
        function = {"name": call.name, "arguments": ""}
        deltas.append(
            {
                "tool_calls": [
                    {"index": index, "id": _id(number, index, call), "type": "function"} | {"function": function}
                ]
            }
        )
        for start in range(0, len(call.arguments), 8):
            piece = {"arguments": call.arguments[start : start + 8]}
            deltas.append({"tool_calls": [{"index": index, "function": piece}]})
    if deltas:
        deltas[0] = {"role": "assistant"} | deltas[0]
    return deltas


def _id(number: int, index: int, call: ScriptedCall) -> str:
    return call.id or f"call_{number}_{index}"


def finish(reply: ScriptedReply) -> str:
    return reply.finish or ("tool_calls" if reply.tool_calls else "stop")


def chunk(number: int, body: Body, delta: Body, finish: str | None) -> Body:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return _named(number, body, "chat.completion.chunk") | {"choices": [choice]}


def completion(number: int, body: Body, reply: ScriptedReply) -> Body:
    calls = [
        {
            "id": _id(number, index, call),
            "type": "function",
            "function": {"name": call.name, "arguments": call.arguments},
        }
        for index, call in enumerate(reply.tool_calls)
    ]
    message = {"role": "assistant", "content": "".join(reply.pieces) or None} | ({"tool_calls": calls} if calls else {})
    choice = {"index": 0, "message": message, "finish_reason": finish(reply)}
    return _named(number, body, "chat.completion") | {"choices": [choice], "usage": usage(body, reply)}


def _named(number: int, body: Body, kind: str) -> Body:
    return {
        "id": f"chatcmpl-{number}",
        "object": kind,
        "created": int(time.time()),
        "model": body.get("model", "scripted"),
    }


def usage(body: Body, reply: ScriptedReply) -> Body:
    # Words are counted as tokens. A script has no tokenizer, and its numbers only have to add up.
    prompt = sum(len(plain(message.get("content")).split()) for message in body.get("messages", []))
    completion = len(reply.pieces) + len(reply.tool_calls)
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def data(chunk: Body) -> str:
    return f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n"
