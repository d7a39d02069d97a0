"""What a turn records on its way: written at once and in order, awaited before the turn ends, not before it goes on."""

import asyncio
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

from storage.database import Database, Transaction

P = ParamSpec("P")
T = TypeVar("T")


class Trail:
    """The writes of one try of a turn. What they record can be looked up again, so that nothing need wait for them."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._writes: list[asyncio.Future[Any]] = []

    def put(
        self, job: Callable[Concatenate[Transaction, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> "asyncio.Future[T]":
        """Write this after everything that was put before it."""
        write = asyncio.ensure_future(self._db.write(job, *args, **kwargs))
        self._writes.append(write)
        return write

    async def settle(self) -> None:
        """Returns when all of it is durable; raises what the first write that failed raised."""
        writes, self._writes = self._writes, []
        for result in await asyncio.gather(*writes, return_exceptions=True):
            if isinstance(result, BaseException):
                raise result

    async def aclose(self) -> None:
        """Leave none of it behind, whatever became of it."""
        await asyncio.gather(*self._writes, return_exceptions=True)
