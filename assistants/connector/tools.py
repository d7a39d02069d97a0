"""Python functions as the tools of a run: described by their signatures, called with what the model wrote."""

import asyncio
import inspect
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import PydanticUndefined, to_json

from assistants.contract import FunctionDefinition, FunctionTool, RequestedCall, ToolOutput

Function = Callable[..., Any]


class _Untitled(GenerateJsonSchema):
    """Titles only repeat the names, and a model reads every word."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - pydantic asks of each
        return False


class Toolbox:
    """Functions by name. Plain ones are run in a thread, asynchronous ones awaited, all calls at once."""

    def __init__(self, functions: Iterable[Function]) -> None:
        self._functions: dict[str, tuple[Function, type[BaseModel]]] = {}
        for function in functions:
            name = getattr(function, "__name__", type(function).__name__)
            if name in self._functions:
                raise ValueError(f"Two functions are called {name!r}: a model could not tell them apart.")
            self._functions[name] = function, _arguments(name, function)

    @property
    def tools(self) -> list[FunctionTool]:
        """What a model is told of them: names, docstrings, and the types of the arguments."""
        return [
            FunctionTool(function=_definition(name, function, model))
            for name, (function, model) in self._functions.items()
        ]

    async def outputs(self, calls: Iterable[RequestedCall]) -> list[ToolOutput]:
        """The output of every call; one that fails says so to the model instead of raising."""
        wanted = [*calls]
        results = await asyncio.gather(*(self._output(call) for call in wanted))
        return [ToolOutput(tool_call_id=call.id, output=said) for call, said in zip(wanted, results, strict=True)]

    async def _output(self, call: RequestedCall) -> str:
        known = self._functions.get(call.function.name)
        if known is None:
            return _failed(f"There is no function {call.function.name!r}; there are {', '.join(self._functions)}.")
        function, model = known
        try:
            given = model.model_validate_json(call.function.arguments or "{}")
        except ValidationError as error:
            return _failed("; ".join(f"{_place(finding)}{finding['msg']}" for finding in error.errors()))
        arguments = {name: getattr(given, name) for name in type(given).model_fields}
        try:
            return _text(await _call(function, arguments))
        except Exception as error:
            return _failed(f"{type(error).__name__}: {error}")


async def _call(function: Function, arguments: Mapping[str, Any]) -> Any:
    if inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None)):  # noqa: B004
        return await function(**arguments)
    result = await asyncio.to_thread(function, **arguments)
    return await result if inspect.isawaitable(result) else result


def _arguments(name: str, function: Function) -> type[BaseModel]:
    fields: dict[str, Any] = {}
    for parameter in inspect.signature(function, eval_str=True).parameters.values():
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise ValueError(f"{name}() cannot be a tool: {parameter} is no argument that has a name.")
        if parameter.annotation is parameter.empty:
            raise ValueError(f"{name}() cannot be a tool: its argument {parameter.name!r} has no type.")
        default = PydanticUndefined if parameter.default is parameter.empty else parameter.default
        fields[parameter.name] = (parameter.annotation, Field(default=default))
    return create_model(name, __config__=ConfigDict(extra="forbid", protected_namespaces=()), **fields)


def _definition(name: str, function: Function, model: type[BaseModel]) -> FunctionDefinition:
    schema: JsonSchemaValue = model.model_json_schema(schema_generator=_Untitled)
    del schema["title"]
    described = {"description": said} if (said := inspect.getdoc(function)) else {}
    return FunctionDefinition(name=name, parameters=schema, **described)


def _text(result: Any) -> str:
    return result if isinstance(result, str) else to_json(result).decode()


def _failed(why: str) -> str:
    return json.dumps({"error": why}, ensure_ascii=False)


def _place(finding: Mapping[str, Any]) -> str:
    return f"{'.'.join(map(str, finding['loc']))}: " if finding["loc"] else ""
