"""A Python function that assistants may call, and the limits of its calls."""

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
# Calls of one function that may be in threads at once: a thread whose time is up cannot be stopped and still counts.
MOST_AT_ONCE = 16


class BusyError(Exception):
    """Too many calls of this function have not returned yet."""


class Function(Generic[P, T]):
    """A function with what its author says of it; called, it is the function it was.

    Only one that is `read_only` is run. One that was under way when the program died is run again only if it is
    `repeatable`. A call has `seconds` of time, its output `characters` of room.
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
            raise ValueError("A function needs some time, and room for its output.")
        described = Described.of(wrapped)
        self.name = described.name
        self.read_only = read_only
        self.repeatable = repeatable
        # What no model could be told of is refused when the function is made.
        self.tool = FunctionTool(function=described.definition)
        self._wrapped = wrapped
        self._called = Described(described.name, _few_at_once(wrapped), described.arguments)
        self._seconds = seconds
        self._characters = characters

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        return self._wrapped(*args, **kwargs)

    async def result(self, arguments: str) -> str:
        """What it gives for arguments as a model wrote them, within its limits. Raises `FunctionFailedError`."""
        try:
            async with asyncio.timeout(self._seconds) as limit:
                said = storable(await self._called.result(arguments))
        except TimeoutError:
            if not limit.expired():
                raise
            raise FunctionFailedError(f"{self.name} gave nothing within {self._seconds:g} seconds.") from None
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
    """Make a typed function a tool of assistants: the signature becomes the schema, the docstring what they are told.

    Say `read_only=True` where it changes nothing: others are refused. `Function` tells the rest.
    """
    return Function(wrapped) if wrapped is not None else lambda wrapped: Function(wrapped, **says)


def _few_at_once(wrapped: Callable[..., Any]) -> Callable[..., Any]:
    """The same; a plain one, which is called in threads, raises `BusyError` where too many have not returned yet."""
    if inspect.iscoroutinefunction(wrapped):
        return wrapped
    free = threading.BoundedSemaphore(MOST_AT_ONCE)

    @functools.wraps(wrapped)
    def few(**arguments: Any) -> Any:
        if not free.acquire(blocking=False):
            raise BusyError(f"{MOST_AT_ONCE} earlier calls have not returned yet; try again later")
        try:
            return wrapped(**arguments)
        finally:
            free.release()

    return few
