"""SQLite behind the seam: one writer thread with group commit, readers beside it, one server a file."""

import asyncio
import contextlib
import json
import os
import queue
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import sqlite_utils

from storage.database import Row, StorageError, Transaction
from storage.schema import migrations

P = ParamSpec("P")
T = TypeVar("T")

BATCH = 500
READERS = 4

WORK = """
    select conversation from turns where outcome is null and (:only is null or conversation = :only)
    union
    select conversation from incoming where turn is null and (:only is null or conversation = :only)
"""


class SQLiteTransaction:
    """`Transaction` on the writer's connection; lives only while its write function runs.

    The statements are our own: sqlite-utils' `upsert` returns as if nothing had happened when the disk is full.
    """

    def __init__(self, conn: sqlite3.Connection) -> None:
        self._conn = conn

    def query(self, sql: str, **values: Any) -> list[Row]:
        return [dict(row) for row in self._conn.execute(sql, values).fetchall()]

    def execute(self, sql: str, **values: Any) -> int:
        return self._conn.execute(sql, values).rowcount

    def insert(self, table: str, row: Mapping[str, Any]) -> int:
        return self._conn.execute(insertion(table, row), row).lastrowid or 0

    def upsert(self, table: str, row: Mapping[str, Any], *, key: str | tuple[str, ...]) -> None:
        keys = (key,) if isinstance(key, str) else key
        changes = ", ".join(f"{name} = excluded.{name}" for name in row if name not in keys)
        self._conn.execute(f"{insertion(table, row)} on conflict ({', '.join(keys)}) do update set {changes}", row)


class _Job:
    """One write that waits for its commit."""

    def __init__(self, call: Callable[[Transaction], Any], future: "asyncio.Future[Any]") -> None:
        self.call = call
        self.future = future
        self.loop = future.get_loop()
        self.result: Any = None
        self.error: BaseException | None = None

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

    def close(self) -> None:
        self._closing = True
        self._wake.release()
        self._thread.join()

    def _run(self) -> None:
        while True:
            self._wake.acquire()
            batch = self._take()
            if batch:
                self._commit(batch)
            elif self._closing:
                return

    def _take(self) -> list[_Job]:
        batch: list[_Job] = []
        for waiting in (self._urgent, self._jobs):
            with contextlib.suppress(queue.Empty):
                while len(batch) < BATCH:
                    batch.append(waiting.get_nowait())
        for _ in batch[1:]:
            self._wake.acquire(blocking=False)
        return batch

    def _commit(self, batch: list[_Job]) -> None:
        tx = SQLiteTransaction(self._conn)
        try:
            self._conn.execute("begin immediate")
            for job in batch:
                self._one(tx, job)
            self._conn.execute("commit")
        except BaseException as error:
            with contextlib.suppress(sqlite3.Error):
                self._conn.execute("rollback")
            for job in batch:
                job.error = job.error or error
        for job in batch:
            job.settle()

    def _one(self, tx: SQLiteTransaction, job: _Job) -> None:
        self._conn.execute("savepoint job")
        try:
            job.result = job.call(tx)
        except Exception as error:
            job.error = error
            # On a full disk SQLite has undone the whole batch by itself: then this raises, and every caller is told.
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
        self._listeners: dict[str, list[asyncio.Queue[str]]] = {}

    @classmethod
    def open(cls, path: Path) -> "SQLiteDatabase":
        """Open the file for serving. Raises `StorageError` when another process serves it or the schema is unknown."""
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = _take_lock(path)
        try:
            conn = _connect_writer(path)
        except BaseException:
            os.close(lock)
            raise
        return cls(path, lock, conn)

    async def read(self, sql: str, **values: Any) -> list[Row]:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, self._read, sql, values)

    async def write(self, job: Callable[Concatenate[Transaction, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        queued = _Job(lambda tx: job(tx, *args, **kwargs), future)
        self._writer.put(queued, urgent=getattr(job, "urgent", False))
        return await future

    async def claim(self, conversation: int | None = None) -> list[int]:
        rows = await self.read(WORK, only=conversation)
        free = [row["conversation"] for row in rows if row["conversation"] not in self._owned]
        self._owned.update(free)
        return free

    async def release(self, conversation: int) -> None:
        self._owned.discard(conversation)

    async def alive(self) -> bool:
        return True

    def notify(self, channel: str, payload: str) -> None:
        for listener in self._listeners.get(channel, ()):
            listener.put_nowait(payload)

    def listen(self, channel: str) -> AsyncIterator[str]:
        mailbox: asyncio.Queue[str] = asyncio.Queue()
        self._listeners.setdefault(channel, []).append(mailbox)
        return self._payloads(channel, mailbox)

    async def close(self) -> None:
        await asyncio.to_thread(self._close)

    async def _payloads(self, channel: str, mailbox: "asyncio.Queue[str]") -> AsyncIterator[str]:
        try:
            while True:
                yield await mailbox.get()
        finally:
            self._listeners[channel].remove(mailbox)

    def _read(self, sql: str, values: dict[str, Any]) -> list[Row]:
        conn: sqlite3.Connection | None = getattr(self._local, "conn", None)
        if conn is None:
            conn = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
            conn.row_factory = sqlite3.Row
            conn.execute("pragma query_only = on")
            conn.execute("pragma busy_timeout = 5000")
            self._local.conn = conn
            self._opened.append(conn)
        return [dict(row) for row in conn.execute(sql, values)]

    def _close(self) -> None:
        self._writer.close()
        self._readers.shutdown()
        for conn in self._opened:
            conn.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def insertion(table: str, row: Mapping[str, Any]) -> str:
    """The INSERT statement for a row, with a named placeholder a column."""
    return f"insert into {table} ({', '.join(row)}) values ({', '.join(':' + name for name in row)})"  # noqa: S608


def _connect_writer(path: Path) -> sqlite3.Connection:
    try:
        conn = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        db = sqlite_utils.Database(conn)
        db.enable_wal()
        conn.execute("pragma synchronous = full")
        conn.execute("pragma foreign_keys = on")
    except sqlite3.DatabaseError as error:
        raise StorageError(
            f"{path} cannot be opened as a SQLite database ({error}); name another DATABASE_URL."
        ) from None
    unknown = {m.name for m in migrations.applied(db)} - {m.name for m in migrations._migrations}
    if unknown:
        conn.close()
        raise StorageError(
            f"{path} was written by a newer Threadline (it has {', '.join(sorted(unknown))}); "
            "start that version, or name another DATABASE_URL."
        )
    migrations.apply(db)
    conn.row_factory = sqlite3.Row
    return conn


def _take_lock(path: Path) -> int:
    """Hold an flock on `FILE.lock` for the life of the process, so that no second server opens the file."""
    import fcntl

    lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        holder = serving(path)
        os.close(lock)
        who = f" (process {holder['pid']})" if holder else ""
        raise StorageError(
            f"{path} is already served by another Threadline{who}; stop that one, or name another DATABASE_URL."
        ) from None
    return lock


def serving(path: Path) -> dict[str, Any] | None:
    """What the process that serves this file says of itself (pid, address), or None when nobody does."""
    import fcntl

    try:
        lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        with contextlib.suppress(ValueError):
            said: dict[str, Any] = json.loads(os.pread(lock, 65536, 0) or b"null") or {}
            return said
        return {}
    finally:
        os.close(lock)
    return None
