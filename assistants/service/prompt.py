"""Fits a conversation into a small model's window: keeps instructions, drops old messages, cuts long ones."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

Message = dict[str, str]

# Every message costs a few tokens of the template, so no more than these can fit; the rest need no counting.
NEWEST = 100
LONGEST = 20_000


class Tokenizer(Protocol):
    async def count(self, messages: Sequence[Message]) -> int:
        """Return the tokens of the prompt made from these messages."""
        ...

    async def cut(self, text: str, tokens: int) -> str:
        """Return the beginning of `text`, at most this many tokens."""
        ...


async def fit(messages: Sequence[Mapping[str, Any]], tokenizer: Tokenizer, *, limit: int) -> list[Message]:
    """Return the newest of `messages` (Chat-Completions form) that fit into `limit` tokens."""
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
    """Return a message's text; empty for pictures, calls and outputs."""
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
    """Return how many of the oldest messages to drop; the newest is always kept."""
    low, high = 0, max(len(talk) - 1, 0)
    while low < high:
        middle = (low + high) // 2
        if await tokenizer.count([*system, *talk[middle:]]) <= limit:
            high = middle
        else:
            low = middle + 1
    return low


async def _shortened(messages: list[Message], tokenizer: Tokenizer, limit: int) -> list[Message]:
    """Return the messages with the last cut to fit. Its beginning is kept, because people ask before they paste."""
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
