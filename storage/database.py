"""The seam between the program and the database engine: everything above speaks only this."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

Row = dict[str, Any]


class StorageError(Exception):
    """The store did not do what it was asked; the text is one sentence for the operator."""


class ConflictError(StorageError):
    """What was written breaks a rule of the tables, such as a second row under a unique key."""


class Transaction(Protocol):
    """What a write function may do. Placeholders are `:name` on every engine."""

    def query(self, sql: str, **values: Any) -> list[Row]:
        """Rows of a SELECT, or of a statement with RETURNING."""
        ...

    def execute(self, sql: str, **values: Any) -> int:
        """Run a statement without result rows; returns the number of rows it changed."""
        ...

    def insert(self, table: str, row: Mapping[str, Any]) -> int:
        """Insert one row; returns its integer key."""
        ...

    def upsert(self, table: str, row: Mapping[str, Any], *, key: str | tuple[str, ...]) -> None:
        """Insert a row, or update the one that has the same key."""
        ...


class Reader(Protocol):
    """What only asks."""

    async def read(self, sql: str, **values: Any) -> list[Row]:
        """Rows of a SELECT; sees everything committed before it was called."""
        ...

    async def look_up(self, sql: str, **values: Any) -> list[Row]:
        """The same for a few rows by their keys: so short that it may be done at once, where `read` changes threads."""
        ...


class Database(Reader, Protocol):
    """A durable store, safe to share by every task of one event loop.

    `read` sees everything committed before it was called. `write` runs a plain synchronous function `(tx, …)` whole in
    one transaction and returns after its commit is on the disk; what the function raises undoes it and is raised here.
    It runs as if alone (serializable) and may be run again, so it has no effect but through `tx` and catches no
    `StorageError`. A write touches at most 200 rows or 1 MiB. A function marked `urgent` goes before the others that
    wait. A write whose caller was cancelled may be committed all the same.
    """

    def write(
        self, job: Callable[Concatenate[Transaction, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> Awaitable[T]:
        """Have this run and committed: after what was asked for before it, unless it is `urgent`."""
        ...

    async def claim(self, conversations: Collection[int] | None = None) -> list[int]:
        """Take conversations that have work and no living owner; with ids, only of these."""
        ...

    async def release(self, conversation: int) -> None:
        """Give a conversation back. Work that came meanwhile is found by claiming it once more."""
        ...

    async def alive(self) -> bool:
        """Whether this process still owns what it claimed."""
        ...

    def notify(self, channel: str, payload: str) -> None:
        """Tell every listener of a channel, in any process; a hint of at most 200 bytes, never the truth."""
        ...

    def listen(self, channel: str) -> AbstractAsyncContextManager[AsyncIterator[Sequence[str]]]:
        """Payloads told on a channel, from the moment the context is entered until it is left or the store closes.

        They come in their order, as many at once as were told since the last ones were taken.
        """
        ...

    async def close(self) -> None: ...


def urgent(job: Callable[Concatenate[Transaction, P], T]) -> Callable[Concatenate[Transaction, P], T]:
    """Mark a write function as one somebody's acknowledgement waits for: it goes before the others."""
    job.urgent = True  # type: ignore[attr-defined]
    return job
