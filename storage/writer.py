"""The one thread that writes to a SQLite file: everything that waits shares a commit, and nobody pays for another."""

import asyncio
import contextlib
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from storage.database import ConflictError, Row, StorageError, Transaction

# One commit takes what comes within this time, so that a claim that arrives meanwhile waits no longer.
BATCH_SECONDS = 0.02
BATCH = 500


class SQLiteTransaction:
    """`Transaction` on the writer's connection; lives only while its write function runs.

    The statements are our own: sqlite-utils' `upsert` returns as if nothing had happened when the disk is full.
    """

    def __init__(self, conn: sqlite3.Connection) -> None:
        self._conn = conn

    def query(self, sql: str, **values: Any) -> list[Row]:
        return [dict(row) for row in self._run(sql, values).fetchall()]

    def execute(self, sql: str, **values: Any) -> int:
        return self._run(sql, values).rowcount

    def insert(self, table: str, row: Mapping[str, Any]) -> int:
        return self._run(insertion(table, row), row).lastrowid or 0

    def upsert(self, table: str, row: Mapping[str, Any], *, key: str | tuple[str, ...]) -> None:
        keys = (key,) if isinstance(key, str) else key
        changes = ", ".join(f"{name} = excluded.{name}" for name in row if name not in keys)
        conflict = f"do update set {changes}" if changes else "do nothing"
        self._run(f"{insertion(table, row)} on conflict ({', '.join(keys)}) {conflict}", row)

    def _run(self, sql: str, values: Mapping[str, Any]) -> sqlite3.Cursor:
        if not self._conn.in_transaction:
            # On a full disk SQLite ends the transaction by itself; one more statement would commit alone.
            raise StorageError("The transaction is over: SQLite undid it.")
        try:
            return self._conn.execute(sql, values)
        except sqlite3.Error as error:
            raise _translation(error) from error


class Job:
    """One write that waits for its commit."""

    def __init__(self, call: Callable[[Transaction], Any], future: "asyncio.Future[Any]") -> None:
        self.call = call
        self.future = future
        self.loop = future.get_loop()
        self.result: Any = None
        self.error: BaseException | None = None

    def fail(self, error: BaseException) -> None:
        # A future takes no StopIteration, and what would end a thread or a loop is no answer to a caller.
        plain = isinstance(error, Exception) and not isinstance(error, StopIteration)
        self.error = error if plain else RuntimeError(f"a write function raised {error!r}")

    def settle(self) -> None:
        """Answer whoever waits; on their loop."""
        if self.future.done():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)


class Writer:
    """The one thread that writes. Jobs that wait at the same time share one COMMIT, and none fails for another."""

    def __init__(self, conn: sqlite3.Connection) -> None:
        self._conn = conn
        self._urgent: queue.SimpleQueue[Job] = queue.SimpleQueue()
        self._jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
        # As many as jobs wait, in either queue. A queue in C wakes its reader at a tenth of a semaphore's price.
        self._wake: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="sqlite-writer", daemon=True)
        self._thread.start()

    def put(self, job: Job, *, urgent: bool) -> None:
        if self._closing:
            raise StorageError("The database is closed: the program is leaving.")
        (self._urgent if urgent else self._jobs).put(job)
        self._wake.put(None)

    def refuse(self) -> None:
        """Take no more jobs. Called on the loop's thread, as `put` is, so that none slips in after the last commit."""
        self._closing = True
        self._wake.put(None)

    def join(self) -> None:
        """Wait until the jobs that were taken are committed."""
        self._thread.join()

    def _run(self) -> None:
        while not (self._closing and self._urgent.empty() and self._jobs.empty()):
            self._wake.get()
            if (first := self._next()) is not None:
                self._commit(first, self._more())

    def _next(self) -> Job | None:
        """The job to run now, urgent ones first; None when the writer was woken to leave."""
        for waiting in (self._urgent, self._jobs):
            if not waiting.empty():
                return waiting.get_nowait()
        return None

    def _more(self) -> Iterator[Job]:
        """The jobs that wait or come while there is time."""
        until = time.monotonic() + BATCH_SECONDS
        for _ in range(BATCH):
            if time.monotonic() > until or self._wake.empty():
                return
            self._wake.get_nowait()
            if (job := self._next()) is None:
                return
            yield job

    def _commit(self, first: Job, more: Iterable[Job] = ()) -> None:
        """Run jobs in one transaction; when one of them raises, it is undone and all are run again apart."""
        taken = [first]
        try:
            self._conn.execute("begin immediate")
            self._call(first)
            for job in more:
                taken.append(job)
                self._call(job)
            self._conn.execute("commit")
        except BaseException as error:
            self._undo()
            if len(taken) > 1:
                self._apart(taken)
                return
            first.fail(_translation(error))
        _settle(taken)

    def _apart(self, jobs: Sequence[Job]) -> None:
        """The same with a savepoint a job, which costs as much as many a job; what fails as a whole runs one by one."""
        try:
            self._conn.execute("begin immediate")
            for job in jobs:
                job.result = job.error = None
                self._conn.execute("savepoint job")
                try:
                    self._call(job)
                except BaseException as error:
                    job.fail(error)
                    self._conn.execute("rollback to job")
                self._conn.execute("release job")
            self._conn.execute("commit")
        except BaseException:
            self._undo()
            for job in jobs:
                job.result = job.error = None
                self._commit(job)
            return
        _settle(jobs)

    def _call(self, job: Job) -> None:
        job.result = job.call(SQLiteTransaction(self._conn))

    def _undo(self) -> None:
        with contextlib.suppress(sqlite3.Error):
            self._conn.execute("rollback")


def _settle(jobs: Iterable[Job]) -> None:
    """Answer all who waited for a commit, each loop woken once."""
    waiting: dict[asyncio.AbstractEventLoop, list[Job]] = {}
    for job in jobs:
        waiting.setdefault(job.loop, []).append(job)

    def tell(settled: list[Job]) -> None:
        for job in settled:
            job.settle()

    for loop, settled in waiting.items():
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(tell, settled)


def insertion(table: str, row: Mapping[str, Any]) -> str:
    """The INSERT statement for a row, with a named placeholder a column."""
    return f"insert into {table} ({', '.join(row)}) values ({', '.join(':' + name for name in row)})"  # noqa: S608


def _translation(error: BaseException) -> BaseException:
    if isinstance(error, sqlite3.IntegrityError):
        return ConflictError(f"The tables refuse it: {error}.")
    if isinstance(error, sqlite3.Error):
        return StorageError(f"The database failed: {error}.")
    return error


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Raise the engine's errors as the seam's."""
    try:
        yield
    except sqlite3.Error as error:
        raise _translation(error) from error
