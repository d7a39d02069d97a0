"""Makes a conversation fit a small model: instructions stay, older messages go, and what is too long is cut."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

Message = dict[str, str]

# Every message costs a few tokens of the template, so no more than these can fit; the rest need no counting.
NEWEST = 100
LONGEST = 20_000


class Tokenizer(Protocol):
    async def count(self, messages: Sequence[Message]) -> int:
        """Tokens of the whole prompt that these messages make."""
        ...

    async def cut(self, text: str, tokens: int) -> str:
        """The beginning of `text`, of at most this many tokens."""
        ...


async def fit(messages: Sequence[Mapping[str, Any]], tokenizer: Tokenizer, *, limit: int) -> list[Message]:
    """The newest of `messages` (Chat Completions' shape) that make a prompt of at most `limit` tokens."""
    plain = [message for message in map(_plain, messages) if message["content"]]
    system = _joined([message for message in plain if message["role"] == "system"])
    talk = [message for message in plain if message["role"] != "system"][-NEWEST:]
    first = await _first_that_fits(system, talk, tokenizer, limit)
    kept = [*system, *talk[first:]]
    if not kept or await tokenizer.count(kept) <= limit:
        return kept
    # Half for the instructions, the rest for the question.
    system = [{**message, "content": await tokenizer.cut(message["content"], limit // 2)} for message in system]
    return await _shortened([*system, *talk[first:]], tokenizer, limit)


def _plain(message: Mapping[str, Any]) -> Message:
    """Its words alone, empty where it has none that such a model can read (pictures, calls and their outputs)."""
    content, role = message.get("content"), message.get("role")
    if isinstance(content, list):
        content = "\n".join(part["text"] for part in content if part.get("type") == "text")
    role = "system" if role == "developer" else str(role)
    speaks = role in ("system", "user", "assistant") and isinstance(content, str)
    return {"role": role, "content": str(content).strip()[:LONGEST] if speaks else ""}


def _joined(messages: Sequence[Message]) -> list[Message]:
    content = "\n\n".join(message["content"] for message in messages)
    return [{"role": "system", "content": content}] if content else []


async def _first_that_fits(system: list[Message], talk: list[Message], tokenizer: Tokenizer, limit: int) -> int:
    """How many of the oldest messages have to go; the newest one always stays."""
    low, high = 0, max(len(talk) - 1, 0)
    while low < high:
        middle = (low + high) // 2
        if await tokenizer.count([*system, *talk[middle:]]) <= limit:
            high = middle
        else:
            low = middle + 1
    return low


async def _shortened(messages: list[Message], tokenizer: Tokenizer, limit: int) -> list[Message]:
    """The last one cut until all fit; its beginning is kept, where people ask before they paste."""
    *before, last = messages
    short = [*before, {**last, "content": ""}]
    room = limit - await tokenizer.count(short)
    # Text can make a token more where it meets the template than by itself.
    while room > 0:
        short = [*before, {**last, "content": await tokenizer.cut(last["content"], room)}]
        excess = await tokenizer.count(short) - limit
        if excess <= 0:
            break
        room -= excess
    return short
