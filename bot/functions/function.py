"""Wraps a Python function so that assistants may call it, within limits."""

import asyncio
import functools
import inspect
import threading
from collections.abc import Callable
from typing import Any, Generic, ParamSpec, TypeVar, overload

from assistants.connector import Described, FunctionFailedError
from assistants.contract import FunctionTool
from storage.text import storable

P = ParamSpec("P")
T = TypeVar("T")

SECONDS = 30.0
CHARACTERS = 20_000
# Calls of one function that may run in threads at once. A thread that times out cannot be stopped and still counts.
MOST_AT_ONCE = 16


class BusyError(Exception):
    """Too many calls of this function are still running."""


class Function(Generic[P, T]):
    """A function and its options. Calling it directly calls the wrapped function.

    Assistants may only call functions that are `read_only`. A call interrupted by a crash is repeated only if the
    function is `repeatable`. A call times out after `seconds`, and its output is cut after `characters`.
    """

    def __init__(
        self,
        wrapped: Callable[P, T],
        *,
        read_only: bool = False,
        repeatable: bool = False,
        seconds: float = SECONDS,
        characters: int = CHARACTERS,
    ) -> None:
        if seconds <= 0 or characters <= 0:
            raise ValueError("`seconds` and `characters` must be greater than 0.")
        described = Described.of(wrapped)
        self.name = described.name
        self.read_only = read_only
        self.repeatable = repeatable
        # A signature that cannot be described to a model is refused here.
        self.tool = FunctionTool(function=described.definition)
        self._wrapped = wrapped
        self._called = Described(described.name, _few_at_once(wrapped), described.arguments)
        self._seconds = seconds
        self._characters = characters

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        return self._wrapped(*args, **kwargs)

    async def result(self, arguments: str) -> str:
        """Call the function with a model's JSON arguments, within the limits. Raises `FunctionFailedError`."""
        try:
            async with asyncio.timeout(self._seconds) as limit:
                said = storable(await self._called.result(arguments))
        except TimeoutError:
            if not limit.expired():
                raise
            raise FunctionFailedError(f"{self.name} timed out after {self._seconds:g} seconds.") from None
        if len(said) <= self._characters:
            return said
        return f"{said[: self._characters]}\n[Cut here: {self._characters} of {len(said)} characters.]"


@overload
def function(wrapped: Callable[P, T], /) -> Function[P, T]: ...


@overload
def function(
    *, read_only: bool = False, repeatable: bool = False, seconds: float = SECONDS, characters: int = CHARACTERS
) -> Callable[[Callable[P, T]], Function[P, T]]: ...


def function(wrapped: Callable[..., Any] | None = None, /, **says: Any) -> Any:
    """Let assistants call a typed function: its signature becomes the schema, its docstring the description.

    Set `read_only=True` if the function changes nothing; others are never run. See `Function` for the other options.
    """
    return Function(wrapped) if wrapped is not None else lambda wrapped: Function(wrapped, **says)


def _few_at_once(wrapped: Callable[..., Any]) -> Callable[..., Any]:
    """Limit the concurrent calls of a function that runs in threads: beyond the limit, it raises `BusyError`."""
    if inspect.iscoroutinefunction(wrapped):
        return wrapped
    free = threading.BoundedSemaphore(MOST_AT_ONCE)

    @functools.wraps(wrapped)
    def few(**arguments: Any) -> Any:
        if not free.acquire(blocking=False):
            raise BusyError(f"{MOST_AT_ONCE} earlier calls are still running; try again later")
        try:
            return wrapped(**arguments)
        finally:
            free.release()

    return few
