"""The background writes of a turn: started in order, and awaited only before the turn ends."""

import asyncio
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

from storage.database import Database, Transaction

P = ParamSpec("P")
T = TypeVar("T")


class Trail:
    """The writes of one attempt at a turn. The platform can tell what they record, so the attempt need not wait."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._writes: list[asyncio.Future[Any]] = []

    def put(
        self, job: Callable[Concatenate[Transaction, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> "asyncio.Future[T]":
        """Start a write, which happens after all earlier ones."""
        write = asyncio.ensure_future(self._db.write(job, *args, **kwargs))
        self._writes.append(write)
        return write

    async def settle(self) -> None:
        """Wait until every write is durable. Raises the error of the first one that failed."""
        writes, self._writes = self._writes, []
        for result in await asyncio.gather(*writes, return_exceptions=True):
            if isinstance(result, BaseException):
                raise result

    async def aclose(self) -> None:
        """Wait for the remaining writes, whether they succeed or fail."""
        await asyncio.gather(*self._writes, return_exceptions=True)
