"""The interface between the program and its database engine; the rest of the program uses nothing else."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

Row = dict[str, Any]


class StorageError(Exception):
    """A database operation failed. The text is one sentence for the operator."""


class ConflictError(StorageError):
    """A write violates a constraint, such as a second row with the same unique key."""


class Transaction(Protocol):
    """The operations available to a write function. Placeholders are `:name` on every engine."""

    def query(self, sql: str, **values: Any) -> list[Row]:
        """Return the rows of a SELECT, or of a statement with RETURNING."""
        ...

    def execute(self, sql: str, **values: Any) -> int:
        """Run a statement without result rows. Return the number of rows it changed."""
        ...

    def insert(self, table: str, row: Mapping[str, Any]) -> int:
        """Insert one row. Return its integer key."""
        ...

    def upsert(self, table: str, row: Mapping[str, Any], *, key: str | tuple[str, ...]) -> None:
        """Insert a row, or update the row with the same key."""
        ...


class Reader(Protocol):
    """Read-only access."""

    async def read(self, sql: str, **values: Any) -> list[Row]:
        """Return the rows of a SELECT, which sees everything committed before the call."""
        ...

    async def look_up(self, sql: str, **values: Any) -> list[Row]:
        """Return a few rows by their keys: quick enough to run on the event loop, where `read` uses a thread."""
        ...


class Database(Reader, Protocol):
    """A durable store, safe to share by every task of one event loop.

    `write` runs a plain synchronous function `(tx, …)` in one serializable transaction and returns once the commit is
    on disk. An exception rolls the transaction back and is raised to the caller. The function may be run more than
    once, so it must have no effect except through `tx` and must not catch `StorageError`. Keep a write to 200 rows or
    1 MiB, since others wait for it; only one that must be atomic may be larger. Functions marked `urgent` run before
    others that wait. A write may be committed even if its caller was cancelled.
    """

    def write(
        self, job: Callable[Concatenate[Transaction, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> Awaitable[T]:
        """Run and commit a write function. Functions run in the order of the calls, `urgent` ones first."""
        ...

    async def claim(self, conversations: Collection[int] | None = None) -> list[int]:
        """Take ownership of conversations with work and no live owner, or only of those among the given ids."""
        ...

    async def release(self, conversation: int) -> None:
        """Give up ownership of a conversation. Claim it again to find work that arrived in the meantime."""
        ...

    async def alive(self) -> bool:
        """Return whether this process still owns the conversations it claimed."""
        ...

    def notify(self, channel: str, payload: str) -> None:
        """Notify a channel's listeners in every process. The payload is a hint of at most 200 bytes: read the rows."""
        ...

    def listen(self, channel: str) -> AbstractAsyncContextManager[AsyncIterator[Sequence[str]]]:
        """Yield a channel's payloads from entering the context until it is left or the database closes.

        Payloads keep their order; each item holds all that arrived since the previous item.
        """
        ...

    async def close(self) -> None: ...


def urgent(job: Callable[Concatenate[Transaction, P], T]) -> Callable[Concatenate[Transaction, P], T]:
    """Mark a write function that an acknowledgement waits for, so that it runs before the others."""
    job.urgent = True  # type: ignore[attr-defined]
    return job
