"""SQLite behind the seam: one writer thread with group commit, readers beside it, one server a file."""

import asyncio
import contextlib
import json
import os
import queue
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import sqlite_utils

from storage.database import ConflictError, Row, StorageError, Transaction
from storage.schema import known_migrations, migrations

P = ParamSpec("P")
T = TypeVar("T")

# One commit takes what comes within this time, so that a claim that arrives meanwhile waits no longer.
BATCH_SECONDS = 0.02
BATCH = 500
READERS = 4
LOCK_SECONDS = 0.3
ANNOUNCEMENT = 512  # bytes; written whole, so that a reader never sees half of an older one

OPEN_TURNS = "select conversation from turns where outcome is null"
WAITING = "select conversation from incoming where turn is null and kind = 'message'"
WORK = f"{OPEN_TURNS} union {WAITING}"
WORK_IN_ONE = f"{OPEN_TURNS} and conversation = :id union {WAITING} and conversation = :id"


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
        with _translated():
            return self._conn.execute(sql, values)


class _Job:
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
        def tell() -> None:
            if self.future.done():
                return
            if self.error is not None:
                self.future.set_exception(self.error)
            else:
                self.future.set_result(self.result)

        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self.loop.call_soon_threadsafe(tell)


class _Writer:
    """The one thread that writes. Jobs that wait at the same time share one COMMIT, each in a savepoint of its own."""

    def __init__(self, conn: sqlite3.Connection) -> None:
        self._conn = conn
        self._urgent: queue.SimpleQueue[_Job] = queue.SimpleQueue()
        self._jobs: queue.SimpleQueue[_Job] = queue.SimpleQueue()
        self._wake = threading.Semaphore(0)
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="sqlite-writer", daemon=True)
        self._thread.start()

    def put(self, job: _Job, *, urgent: bool) -> None:
        if self._closing:
            raise StorageError("The database is closed: the program is leaving.")
        (self._urgent if urgent else self._jobs).put(job)
        self._wake.release()

    def refuse(self) -> None:
        """Take no more jobs. Called on the loop's thread, as `put` is, so that none slips in after the last commit."""
        self._closing = True
        self._wake.release()

    def join(self) -> None:
        """Wait until the jobs that were taken are committed."""
        self._thread.join()

    def _run(self) -> None:
        while not (self._closing and self._urgent.empty() and self._jobs.empty()):
            self._wake.acquire()
            self._wake.release()
            if (first := self._next()) is not None:
                self._commit(first, self._more())

    def _next(self) -> _Job | None:
        """The job to run now, urgent ones first; None when nothing waits."""
        if not self._wake.acquire(blocking=False):
            return None
        for waiting in (self._urgent, self._jobs):
            with contextlib.suppress(queue.Empty):
                return waiting.get_nowait()
        return None

    def _more(self) -> Iterator[_Job]:
        """The jobs that wait or come while there is time."""
        until = time.monotonic() + BATCH_SECONDS
        for _ in range(BATCH):
            if time.monotonic() > until or (job := self._next()) is None:
                return
            yield job

    def _commit(self, first: _Job, more: Iterable[_Job] = ()) -> None:
        """Run jobs in one transaction. When that fails as a whole, each is run again alone: one cannot fail others."""
        taken = [first]
        try:
            self._conn.execute("begin immediate")
            self._one(first)
            for job in more:
                taken.append(job)
                self._one(job)
            self._conn.execute("commit")
        except BaseException as error:
            with contextlib.suppress(sqlite3.Error):
                self._conn.execute("rollback")
            if len(taken) > 1:
                for job in taken:
                    job.result = job.error = None
                    self._commit(job)
                return
            for job in taken:
                job.fail(job.error or _translation(error))
        for job in taken:
            job.settle()

    def _one(self, job: _Job) -> None:
        self._conn.execute("savepoint job")
        try:
            job.result = job.call(SQLiteTransaction(self._conn))
        except BaseException as error:
            job.fail(error)
            self._conn.execute("rollback to job")
        self._conn.execute("release job")


class SQLiteDatabase:
    """`Database` in one file. Opening it takes the file's lock and brings the schema up to date."""

    def __init__(self, path: Path, lock: int | None, conn: sqlite3.Connection) -> None:
        self.path = path
        self._lock = lock
        self._writer = _Writer(conn)
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="sqlite-reader")
        self._local = threading.local()
        self._opened: list[sqlite3.Connection] = [conn]
        self._owned: set[int] = set()
        self._listeners: dict[str, list[asyncio.Queue[str | None]]] = {}

    @classmethod
    def open(cls, path: Path) -> "SQLiteDatabase":
        """Open the file for serving. Raises `StorageError` when another process serves it or the schema is unknown."""
        path = path.resolve()  # a link to the file is the file
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = _take_lock(path)
        except OSError as error:
            raise StorageError(f"{path} cannot be written ({error.strerror}); name another DATA_DIR.") from None
        try:
            conn = _connect_writer(path)
        except BaseException:
            os.close(lock)
            raise
        return cls(path, lock, conn)

    def announce(self, url: str) -> None:
        """Say where this server answers, for commands that find the file served (`serving`)."""
        if self._lock is not None:
            os.pwrite(self._lock, json.dumps({"pid": os.getpid(), "url": url}).ljust(ANNOUNCEMENT).encode(), 0)

    async def read(self, sql: str, **values: Any) -> list[Row]:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, self._read, sql, values)

    async def write(self, job: Callable[Concatenate[Transaction, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        queued = _Job(lambda tx: job(tx, *args, **kwargs), future)
        self._writer.put(queued, urgent=getattr(job, "urgent", False))
        return await future

    async def claim(self, conversation: int | None = None) -> list[int]:
        rows = await (self.read(WORK) if conversation is None else self.read(WORK_IN_ONE, id=conversation))
        free = [row["conversation"] for row in rows if row["conversation"] not in self._owned]
        self._owned.update(free)
        return free

    async def release(self, conversation: int) -> None:
        self._owned.discard(conversation)

    async def alive(self) -> bool:
        return True

    def notify(self, channel: str, payload: str) -> None:
        for mailbox in self._listeners.get(channel, ()):
            mailbox.put_nowait(payload)

    @contextlib.asynccontextmanager
    async def listen(self, channel: str) -> AsyncIterator[AsyncIterator[str]]:
        mailbox: asyncio.Queue[str | None] = asyncio.Queue()
        self._listeners.setdefault(channel, []).append(mailbox)
        try:
            yield _payloads(mailbox)
        finally:
            self._listeners[channel].remove(mailbox)

    async def close(self) -> None:
        for mailboxes in self._listeners.values():
            for mailbox in mailboxes:
                mailbox.put_nowait(None)
        self._writer.refuse()
        await asyncio.to_thread(self._close)

    def _read(self, sql: str, values: dict[str, Any]) -> list[Row]:
        conn: sqlite3.Connection | None = getattr(self._local, "conn", None)
        if conn is None:
            conn = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
            conn.row_factory = sqlite3.Row
            conn.execute("pragma query_only = on")
            conn.execute("pragma busy_timeout = 5000")
            self._local.conn = conn
            self._opened.append(conn)
        with _translated():
            return [dict(row) for row in conn.execute(sql, values)]

    def _close(self) -> None:
        self._writer.join()
        self._readers.shutdown()
        for conn in self._opened:
            conn.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


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
def _translated() -> Iterator[None]:
    """Raise the engine's errors as the seam's."""
    try:
        yield
    except sqlite3.Error as error:
        raise _translation(error) from error


async def _payloads(mailbox: "asyncio.Queue[str | None]") -> AsyncIterator[str]:
    while (payload := await mailbox.get()) is not None:
        yield payload


def _connect_writer(path: Path) -> sqlite3.Connection:
    try:
        conn = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        db = sqlite_utils.Database(conn)
        db.enable_wal()
        conn.execute("pragma synchronous = full")
        conn.execute("pragma foreign_keys = on")
        unknown = {m.name for m in migrations.applied(db)} - known_migrations()
        if not unknown:
            migrations.apply(db)
    except sqlite3.DatabaseError as error:
        raise StorageError(
            f"{path} cannot be used as a SQLite database ({error}); name another DATABASE_URL."
        ) from None
    if unknown:
        conn.close()
        raise StorageError(
            f"{path} was written by a newer Threadline (it has {', '.join(sorted(unknown))}); "
            "start that version, or name another DATABASE_URL."
        )
    conn.row_factory = sqlite3.Row
    return conn


def _take_lock(path: Path) -> int:
    """Hold an flock on `FILE.lock` for the life of the process, so that no second server opens the file."""
    import fcntl

    lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    until = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() < until:  # somebody may only be asking who serves
                time.sleep(0.02)
                continue
            os.close(lock)
            holder = serving(path) or {}
            who = f" (process {holder['pid']})" if "pid" in holder else ""
            raise StorageError(
                f"{path} is already served by another Threadline{who}; stop that one, or name another DATABASE_URL."
            ) from None
        return lock


def serving(path: Path) -> dict[str, Any] | None:
    """What the process that serves this file says of itself (`pid`, `url`; maybe not yet), or None when nobody does."""
    import fcntl

    try:
        lock = os.open(f"{path.resolve()}.lock", os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        said: dict[str, Any] = json.loads(os.pread(lock, ANNOUNCEMENT, 0) or b"{}")
        return said
    finally:
        os.close(lock)
    return None
