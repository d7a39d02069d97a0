"""Python functions as tools: a description from the signature, and calls with the model's arguments."""

import asyncio
import contextlib
import contextvars
import inspect
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import PydanticUndefined, to_json

from assistants.contract import FunctionDefinition

Function = Callable[..., Any]


class FunctionFailedError(Exception):
    """A call failed; the text tells the model why."""

    @property
    def output(self) -> str:
        """What the model is given in place of a result."""
        return failed(str(self))


class _Untitled(GenerateJsonSchema):
    """A JSON schema without titles, which only repeat the names and cost tokens."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - pydantic asks of each
        return False


@dataclass(frozen=True, slots=True)
class Described:
    """A function with its name and the pydantic model of its arguments."""

    name: str
    function: Function
    arguments: type[BaseModel]

    @classmethod
    def of(cls, function: Function) -> Self:
        """Describe a function. Raises `ValueError` for one that a model could not call."""
        name = getattr(function, "__name__", type(function).__name__)
        return cls(name, function, _arguments(name, function))

    @property
    def definition(self) -> FunctionDefinition:
        """Return the tool definition: name, docstring and argument types."""
        schema: JsonSchemaValue = self.arguments.model_json_schema(schema_generator=_Untitled)
        del schema["title"]
        described = {"description": said} if (said := inspect.getdoc(self.function)) else {}
        return FunctionDefinition(name=self.name, parameters=schema, **described)

    async def result(self, arguments: str) -> str:
        """Call the function with JSON arguments and return its result as text. Raises `FunctionFailedError`."""
        try:
            given = self.arguments.model_validate_json(arguments or "{}")
        except ValidationError as error:
            wrong = "; ".join(f"{_place(finding)}{finding['msg']}" for finding in error.errors())
            raise FunctionFailedError(wrong) from None
        try:
            result = await _call(self.function, {name: getattr(given, name) for name in type(given).model_fields})
            return result if isinstance(result, str) else to_json(result).decode()
        except Exception as error:
            raise FunctionFailedError(f"{type(error).__name__}: {error}") from error


def failed(why: str) -> str:
    """Return the text that the model gets instead of a result."""
    return json.dumps({"error": why}, ensure_ascii=False)


async def _call(function: Function, arguments: Mapping[str, Any]) -> Any:
    if inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None)):  # noqa: B004
        return await function(**arguments)
    result = await _in_thread(function, arguments)
    return await result if inspect.isawaitable(result) else result


async def _in_thread(function: Function, arguments: Mapping[str, Any]) -> Any:
    """Call the function in its own thread, so that one that never returns blocks neither other calls nor exit."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Any] = loop.create_future()
    context = contextvars.copy_context()

    def work() -> None:
        tell, what = done.set_exception, None
        try:
            tell, what = done.set_result, context.run(function, **arguments)
        except Exception as error:
            # A future accepts no StopIteration.
            what = RuntimeError(repr(error)) if isinstance(error, StopIteration) else error
        except BaseException as error:
            what = RuntimeError(repr(error))
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(lambda: None if done.done() else tell(what))

    threading.Thread(target=work, name=f"call-{getattr(function, '__name__', 'function')}", daemon=True).start()
    return await done


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


def _place(finding: Mapping[str, Any]) -> str:
    return f"{'.'.join(map(str, finding['loc']))}: " if finding["loc"] else ""
