"""The one thread that writes to a SQLite file. Waiting writes share a commit; a failed one does not affect the rest."""

import asyncio
import contextlib
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from storage.database import ConflictError, Row, StorageError, Transaction

# A commit collects jobs for at most this long, which limits how long a newly arrived claim waits.
BATCH_SECONDS = 0.02
BATCH = 500


class SQLiteTransaction:
    """`Transaction` on the writer's connection, valid only while its write function runs.

    The statements are written here because sqlite-utils' `upsert` hides the error of a full disk.
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
            # On a full disk SQLite rolls back by itself; another statement would then be committed on its own.
            raise StorageError("SQLite rolled the transaction back; check free disk space and the disk of DATA_DIR.")
        try:
            return self._conn.execute(sql, values)
        except sqlite3.Error as error:
            raise _translation(error) from error


class Job:
    """A write waiting for its commit."""

    def __init__(self, call: Callable[[Transaction], Any], future: "asyncio.Future[Any]") -> None:
        self.call = call
        self.future = future
        self.loop = future.get_loop()
        self.result: Any = None
        self.error: BaseException | None = None

    def fail(self, error: BaseException) -> None:
        # A future accepts no StopIteration, and exceptions that end a thread or loop must not reach a caller.
        plain = isinstance(error, Exception) and not isinstance(error, StopIteration)
        self.error = error if plain else RuntimeError(f"a write function raised {error!r}")

    def settle(self) -> None:
        """Resolve the caller's future; runs on the caller's loop."""
        if self.future.done():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)


class Writer:
    """The writer thread. Jobs that wait at the same time share one COMMIT; a failing job does not fail the others."""

    def __init__(self, conn: sqlite3.Connection) -> None:
        self._conn = conn
        self._urgent: queue.SimpleQueue[Job] = queue.SimpleQueue()
        self._jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
        # One token per job waiting in either queue. Waking the reader of a C queue costs a tenth of a semaphore.
        self._wake: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="sqlite-writer", daemon=True)
        self._thread.start()

    def put(self, job: Job, *, urgent: bool) -> None:
        if self._closing:
            raise StorageError("The database is closed: the program is shutting down.")
        (self._urgent if urgent else self._jobs).put(job)
        self._wake.put(None)

    def refuse(self) -> None:
        """Accept no more jobs. Runs on the loop's thread, like `put`, so that no job arrives after the last commit."""
        self._closing = True
        self._wake.put(None)

    def join(self) -> None:
        """Wait until all accepted jobs are committed."""
        self._thread.join()

    def _run(self) -> None:
        while not (self._closing and self._urgent.empty() and self._jobs.empty()):
            self._wake.get()
            if (first := self._next()) is not None:
                self._commit(first, self._more())

    def _next(self) -> Job | None:
        """Return the next job, urgent ones first; None when the writer must stop."""
        for waiting in (self._urgent, self._jobs):
            if not waiting.empty():
                return waiting.get_nowait()
        return None

    def _more(self) -> Iterator[Job]:
        """Yield jobs that wait, or arrive before the batch ends."""
        until = time.monotonic() + BATCH_SECONDS
        for _ in range(BATCH):
            if time.monotonic() > until or self._wake.empty():
                return
            self._wake.get_nowait()
            if (job := self._next()) is None:
                return
            yield job

    def _commit(self, first: Job, more: Iterable[Job] = ()) -> None:
        """Run jobs in one transaction. When one raises, roll back and run them all again, each in a savepoint."""
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
        """Run the batch with one savepoint per job. If the whole batch still fails, run the jobs one at a time."""
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
    """Resolve the futures of committed jobs, waking each loop only once."""
    waiting: dict[asyncio.AbstractEventLoop, list[Job]] = {}
    for job in jobs:
        waiting.setdefault(job.loop, []).append(job)

    def tell(settled: list[Job]) -> None:
        for job in settled:
            job.settle()

    for loop, settled in waiting.items():
        with contextlib.suppress(RuntimeError):  # the loop is closed and nobody waits any more
            loop.call_soon_threadsafe(tell, settled)


def insertion(table: str, row: Mapping[str, Any]) -> str:
    """Return the INSERT statement for a row, with one named placeholder per column."""
    return f"insert into {table} ({', '.join(row)}) values ({', '.join(':' + name for name in row)})"  # noqa: S608


def _translation(error: BaseException) -> BaseException:
    if isinstance(error, sqlite3.IntegrityError):
        return ConflictError(f"The write violates a constraint: {error}.")
    if isinstance(error, sqlite3.Error):
        return StorageError(f"The database failed ({error}); check free disk space and the disk of DATA_DIR.")
    return error


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Raise SQLite's errors as `StorageError`."""
    try:
        yield
    except sqlite3.Error as error:
        raise _translation(error) from error
