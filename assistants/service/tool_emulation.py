"""Emulates tool calls for models without them: a JSON schema makes the model choose a function or answer in text."""

import json
import secrets
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from assistants.service.pieces import CallPiece, ChatModel, End, ModelError, Piece, Request, TextPiece

ANSWER = "answer"
TOOL_KEYS = ("tools", "tool_choice", "parallel_tool_calls")
CHOOSE = """\
You can use these functions:

{functions}

Choose the next step. To use a function reply with {{"function": NAME, "arguments": {{…}}}}. {otherwise}"""
OR_ANSWER = f'When you can answer without one, reply with {{"function": "{ANSWER}", "arguments": {{}}}}.'
MUST = "You must use one of them."


class Routed:
    """A model that is asked twice: first which function to call, then, if none, for its answer."""

    def __init__(self, model: ChatModel) -> None:
        self._model = model

    async def stream(self, request: Request) -> AsyncGenerator[Piece, None]:
        plain = {name: value for name, value in request.items() if name not in TOOL_KEYS}
        plain["messages"] = [_plain(message) for message in request["messages"]]
        prompt = completion = 0
        choices = _choices(request)
        if choices:
            chosen, end = await self._choose({**plain, **_question(plain["messages"], choices, request)})
            prompt, completion = end.prompt_tokens or 0, end.completion_tokens or 0
            if chosen is not None:
                yield CallPiece(0, f"call_{secrets.token_hex(12)}", *chosen)
                yield replace(end, finish="tool_calls")
                return
        async with aclosing(self._model.stream(plain)) as pieces:
            async for piece in pieces:
                yield _counted(piece, prompt, completion) if isinstance(piece, End) else piece

    async def aclose(self) -> None:
        await self._model.aclose()

    async def _choose(self, question: Request) -> tuple[tuple[str, str] | None, End]:
        """Return the name and arguments of the chosen function, None if the model wants to answer."""
        said, end = [], End("stop")
        async with aclosing(self._model.stream(question)) as pieces:
            async for piece in pieces:
                if isinstance(piece, TextPiece):
                    said.append(piece.text)
                elif isinstance(piece, End):
                    end = piece
        try:
            choice = json.loads("".join(said))
            name, arguments = choice["function"], choice.get("arguments") or {}
        except (ValueError, TypeError, KeyError, AttributeError):
            raise ModelError(
                "The model did not choose a function in the required form. Use a model that supports JSON schemas."
            ) from None
        return (None if name == ANSWER else (str(name), json.dumps(arguments, ensure_ascii=False))), end


def _choices(request: Request) -> list[Mapping[str, Any]]:
    """Return the functions that the model may choose from."""
    choice = request.get("tool_choice", "auto")
    functions = [tool["function"] for tool in request.get("tools", ())]
    if choice == "none":
        return []
    if isinstance(choice, Mapping):
        return [function for function in functions if function["name"] == choice["function"]["name"]]
    return functions


def _question(messages: list[Any], functions: list[Mapping[str, Any]], request: Request) -> dict[str, Any]:
    must = request.get("tool_choice", "auto") != "auto"
    told = "\n".join(_told(function) for function in functions)
    text = CHOOSE.format(functions=told, otherwise=MUST if must else OR_ANSWER)
    options = [_option(function["name"], function.get("parameters")) for function in functions]
    if not must:
        options.append(_option(ANSWER, None))
    schema = {"name": "next_step", "strict": True, "schema": {"anyOf": options}}
    system = [message for message in messages if message["role"] == "system"]
    rest = [message for message in messages if message["role"] != "system"]
    told_system = "\n\n".join([*(str(message["content"]) for message in system), text])
    return {
        "messages": [{"role": "system", "content": told_system}, *rest],
        "response_format": {"type": "json_schema", "json_schema": schema},
    }


def _told(function: Mapping[str, Any]) -> str:
    about = f": {function['description']}" if function.get("description") else ""
    return f"- {function['name']}{about} Arguments: {json.dumps(function.get('parameters') or {}, ensure_ascii=False)}"


def _option(name: str, parameters: Mapping[str, Any] | None) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {"function": {"const": name}, "arguments": parameters or {"type": "object"}},
        "required": ["function", "arguments"],
        "additionalProperties": False,
    }


def _plain(message: Mapping[str, Any]) -> dict[str, Any]:
    """Return the message without fields that such a model does not support."""
    if message["role"] == "tool":
        return {"role": "user", "content": f"Result of function call {message['tool_call_id']}:\n{message['content']}"}
    calls: Iterable[Mapping[str, Any]] = message.get("tool_calls", ())
    if not calls:
        return dict(message)
    told = [f"Function call {c['id']}: {c['function']['name']}({c['function']['arguments']})" for c in calls]
    return {
        "role": message["role"],
        "content": "\n".join([*([message["content"]] if message["content"] else []), *told]),
    }


def _counted(end: End, prompt: int, completion: int) -> End:
    """Return the end with the first request's tokens added, if the endpoint reports them."""
    if end.prompt_tokens is None or end.completion_tokens is None:
        return end
    return replace(end, prompt_tokens=end.prompt_tokens + prompt, completion_tokens=end.completion_tokens + completion)
