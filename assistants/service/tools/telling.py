"""Formats tool calls: as deltas for stream readers, and whole for a model that reads them again."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from assistants.contract import CalledFunctionDelta, FunctionCall, FunctionCallDelta, ToolCall, ToolCallDelta
from assistants.service.tools import code_calls, search_calls


@dataclass(frozen=True, slots=True)
class Told:
    """A call in Chat-Completions form; `arguments` is JSON text."""

    name: str
    arguments: str
    output: str


# By call type: the delta between a call's previous state (None at first) and its present one.
News = Callable[[int, Any, Any], ToolCallDelta | None]
# By call type: formats a stored call, with search results limited to the given bytes.
Retell = Callable[[Mapping[str, Any], int | None], Told]


def _function_news(index: int, before: FunctionCall | None, after: FunctionCall) -> FunctionCallDelta:
    if before is None:
        more = CalledFunctionDelta(name=after.function.name, arguments=after.function.arguments, output=None)
        return FunctionCallDelta(index=index, id=after.id, function=more)
    grown = after.function.arguments[len(before.function.arguments) :]
    return FunctionCallDelta(index=index, function=CalledFunctionDelta(arguments=grown))


def _function_retold(call: Mapping[str, Any], _: int | None) -> Told:
    function = call["function"]
    return Told(function["name"], function["arguments"], function.get("output") or "")


def _code_retold(call: Mapping[str, Any], _: int | None) -> Told:
    return Told(code_calls.NAME, *code_calls.retold(call))


def _search_retold(call: Mapping[str, Any], most: int | None) -> Told:
    return Told(search_calls.NAME, *search_calls.retold(call, most))


_NEWS: dict[str, News] = {
    "function": _function_news,
    code_calls.NAME: code_calls.news,
    search_calls.NAME: search_calls.news,
}
_RETELL: dict[str, Retell] = {
    "function": _function_retold,
    code_calls.NAME: _code_retold,
    search_calls.NAME: _search_retold,
}


def news(index: int, before: ToolCall | None, after: ToolCall) -> ToolCallDelta | None:
    """Return the delta of a call that is new, grew or got outputs; None if nothing changed."""
    tell = _NEWS.get(after.type)
    return tell(index, before, after) if tell else None


def retold(call: Mapping[str, Any], found: int | None = None) -> Told | None:
    """Return a stored call as the model reads it; None for a kind that no model here makes.

    Search results are limited to `found` bytes.
    """
    tell = _RETELL.get(call["type"])
    return tell(call, found) if tell else None
