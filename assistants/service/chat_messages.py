"""Converts rows of a thread into Chat-Completions messages."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from assistants.service.tools.search_calls import NAME as FILE_SEARCH
from assistants.service.tools.telling import Told, retold
from storage.database import Row

ChatMessage = dict[str, Any]
Chat = list[ChatMessage]

FIGURE = "[A figure, which the person sees here.]"
PICTURE = "[A picture, which this model cannot see.]"


def said(row: Row) -> ChatMessage | None:
    """Return a message as the model reads it, with image files still as ids; None for an empty message."""
    if (text := row.get("text")) is not None:
        return {"role": row["role"], "content": text}
    parts = [part for part in map(_part, json.loads(row["body"])["content"]) if part]
    if row["role"] == "assistant":
        # Endpoints accept pictures only in user messages.
        parts = [part if part["type"] == "text" else {"type": "text", "text": FIGURE} for part in parts]
    if not parts:
        return None
    if all(part["type"] == "text" for part in parts):
        return {"role": row["role"], "content": "\n".join(part["text"] for part in parts)}
    return {"role": row["role"], "content": parts}


def _part(part: Mapping[str, Any]) -> dict[str, Any] | None:
    kind = part["type"]
    if kind == "text":
        return {"type": "text", "text": part["text"]["value"]}
    if kind == "refusal":
        return {"type": "text", "text": part["refusal"]}
    if kind in ("image_url", "image_file"):
        return {"type": kind, kind: {name: value for name, value in part[kind].items() if value is not None}}
    return None


def did(steps: Iterable[Row], messages: Mapping[str, Row], found: int | None = None) -> Chat:
    """Return a run's messages and calls, each call with its output; search results cut to `found` bytes each."""
    chat: Chat = []
    for step in steps:
        if step["status"] != "completed":
            continue
        details = json.loads(step["body"])["step_details"]
        if step["type"] == "message_creation":
            row = messages.get(details["message_creation"]["message_id"])
            if row is not None and (message := said(row)):
                chat.append(message)
        else:
            calls = details["tool_calls"]
            _add_calls(chat, [(call["id"], told) for call in calls if (told := retold(call, found))])
    return chat


def _add_calls(chat: Chat, calls: Sequence[tuple[str, Told]]) -> None:
    if not calls:
        return
    # To the model, text before its calls belongs to the same message.
    if not chat or chat[-1]["role"] != "assistant" or "tool_calls" in chat[-1]:
        chat.append({"role": "assistant", "content": None})
    functions = [(id_, {"name": told.name, "arguments": told.arguments}) for id_, told in calls]
    chat[-1]["tool_calls"] = [{"id": id_, "type": "function", "function": function} for id_, function in functions]
    chat.extend({"role": "tool", "tool_call_id": id_, "content": told.output} for id_, told in calls)


def searches(chat: Iterable[ChatMessage]) -> int:
    """Count the file-search calls."""
    names = [call["function"]["name"] for message in chat for call in message.get("tool_calls", ())]
    return names.count(FILE_SEARCH)


def words_of(chat: Iterable[ChatMessage]) -> Chat:
    """Return the chat without calls and their outputs."""
    spoken = ({k: v for k, v in m.items() if k != "tool_calls"} for m in chat if m["role"] != "tool")
    return [message for message in spoken if message["content"]]


def without_pictures(message: ChatMessage) -> ChatMessage:
    """Return the message for a model without vision: each picture becomes a note."""
    if not pictured(message):
        return message
    texts = [part["text"] if part["type"] == "text" else PICTURE for part in message["content"]]
    return {**message, "content": "\n".join(texts)}


def pictured(message: ChatMessage) -> bool:
    """Return whether a message contains a picture."""
    return isinstance(message["content"], list) and any(part["type"] != "text" for part in message["content"])
