"""The SQLite engine: one writer thread with group commit, a pool of reader threads, one server per file."""

import asyncio
import contextlib
import json
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

from storage import sqlite_utils_light
from storage.database import Reader, Row, StorageError, Transaction
from storage.lock import ELSEWHERE, FileLock, serving
from storage.schema import known_migrations, migrations
from storage.writer import Job, SQLiteTransaction, Writer, translated

P = ParamSpec("P")
T = TypeVar("T")

READERS = 4

OPEN_TURNS = "select conversation from turns where outcome is null"
WAITING = "select conversation from incoming where turn is null and kind = 'message'"
WORK = f"{OPEN_TURNS} union {WAITING}"
THESE = "and conversation in (select value from json_each(:ids))"
WORK_IN_THESE = f"{OPEN_TURNS} {THESE} union {WAITING} {THESE}"


class SQLiteDatabase:
    """`Database` in one file. Opening it takes the file's lock and migrates the schema."""

    def __init__(self, path: Path, lock: FileLock, conn: sqlite3.Connection) -> None:
        self.path = path
        self._lock = lock
        self._writer = Writer(conn)
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="sqlite-reader")
        self._local = threading.local()
        self._opened: list[sqlite3.Connection] = [conn]
        self._owned: set[int] = set()
        self._closed = False
        self._listeners: dict[str, list[_Mailbox]] = {}

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the file for serving. Raises `StorageError` when another process serves it or the schema is unknown."""
        path = path.resolve()  # a link to the file is the file
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = FileLock(path)
        except OSError as error:
            raise StorageError(f"{path} cannot be written ({error.strerror}); {ELSEWHERE}.") from None
        try:
            conn = _connect_writer(path)
        except BaseException:
            lock.release()
            raise
        return cls(path, lock, conn)

    def announce(self, url: str) -> None:
        """Publish this server's URL for commands that find the file in use (`serving`)."""
        self._lock.announce(url)

    async def read(self, sql: str, **values: Any) -> list[Row]:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, self._read, sql, values)

    async def look_up(self, sql: str, **values: Any) -> list[Row]:
        # Reading a row by its key takes ten microseconds; handing the query to another thread takes seventy.
        if self._closed:
            raise StorageError("The database is closed: the program is shutting down.")
        return self._read(sql, values)

    def write(
        self, job: Callable[Concatenate[Transaction, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> asyncio.Future[T]:
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        queued = Job(lambda tx: job(tx, *args, **kwargs), future)
        try:
            self._writer.put(queued, urgent=getattr(job, "urgent", False))
        except StorageError as error:
            future.set_exception(error)
        return future

    async def claim(self, conversations: Collection[int] | None = None) -> list[int]:
        among = None if conversations is None else json.dumps(list(conversations))
        rows = await (self.read(WORK) if among is None else self.read(WORK_IN_THESE, ids=among))
        free = [row["conversation"] for row in rows if row["conversation"] not in self._owned]
        self._owned.update(free)
        return free

    async def release(self, conversation: int) -> None:
        self._owned.discard(conversation)

    async def alive(self) -> bool:
        return True

    def notify(self, channel: str, payload: str) -> None:
        for mailbox in self._listeners.get(channel, ()):
            mailbox.put(payload)

    @contextlib.asynccontextmanager
    async def listen(self, channel: str) -> AsyncIterator[AsyncIterator[Sequence[str]]]:
        mailbox = _Mailbox()
        self._listeners.setdefault(channel, []).append(mailbox)
        try:
            yield mailbox.taken()
        finally:
            self._listeners[channel].remove(mailbox)

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        for mailboxes in self._listeners.values():
            for mailbox in mailboxes:
                mailbox.close()
        self._writer.refuse()
        await asyncio.to_thread(self._close)

    def _read(self, sql: str, values: dict[str, Any]) -> list[Row]:
        with translated():
            return [dict(row) for row in self._reader().execute(sql, values)]

    def _reader(self) -> sqlite3.Connection:
        """Return this thread's own read-only connection."""
        conn: sqlite3.Connection | None = getattr(self._local, "conn", None)
        if conn is None:
            conn = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
            conn.row_factory = sqlite3.Row
            conn.execute("pragma query_only = on")
            self._local.conn = conn
            self._opened.append(conn)
        return conn

    def _close(self) -> None:
        self._writer.join()
        self._readers.shutdown()
        for conn in self._opened:
            conn.close()
        self._lock.release()


def amend(path: Path, job: Callable[Concatenate[Transaction, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Run one small write function on the file, even while a server uses it. Raises `StorageError`.

    A file that no server uses is first created and migrated.
    """
    if serving(path) is None:
        asyncio.run(_opened_once(path))
    with translated(), contextlib.closing(sqlite3.connect(path, isolation_level=None, timeout=10)) as conn:
        conn.row_factory = sqlite3.Row
        conn.execute("pragma synchronous = full")
        conn.execute("begin immediate")
        result = job(SQLiteTransaction(conn), *args, **kwargs)
        conn.execute("commit")
        return result


async def _opened_once(path: Path) -> None:
    await (await asyncio.to_thread(SQLiteDatabase.open, path)).close()


@contextlib.contextmanager
def reading(path: Path) -> Iterator[Reader]:
    """Open the file read-only, even while a server uses it. Creates and locks nothing. Raises `StorageError`."""
    if not path.is_file():
        raise StorageError(f"There is no database at {path} yet; start Threadline first, or {ELSEWHERE}.")
    with translated():
        conn = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, check_same_thread=False)
    try:
        conn.row_factory = sqlite3.Row
        yield _Looking(conn)
    finally:
        conn.close()


class _Looking:
    def __init__(self, conn: sqlite3.Connection) -> None:
        self._conn = conn

    async def read(self, sql: str, **values: Any) -> list[Row]:
        return await asyncio.to_thread(self._read, sql, values)

    async def look_up(self, sql: str, **values: Any) -> list[Row]:
        return self._read(sql, values)

    def _read(self, sql: str, values: dict[str, Any]) -> list[Row]:
        with translated():
            return [dict(row) for row in self._conn.execute(sql, values)]


class _Mailbox:
    """Payloads that one listener has not received yet."""

    def __init__(self) -> None:
        self._payloads: list[str] = []
        self._closed = False
        self._wake = asyncio.Event()

    def put(self, payload: str) -> None:
        self._payloads.append(payload)
        self._wake.set()

    def close(self) -> None:
        self._closed = True
        self._wake.set()

    async def taken(self) -> AsyncIterator[Sequence[str]]:
        while await self._wake.wait():
            self._wake.clear()
            payloads, self._payloads = self._payloads, []
            if payloads:
                yield payloads
            if self._closed:
                return


def _connect_writer(path: Path) -> sqlite3.Connection:
    try:
        path.touch(mode=0o600)  # conversations are private; SQLite gives the -wal and -shm files the same mode
        conn = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        db = sqlite_utils_light.Database(conn)
        db.enable_wal()
        conn.execute("pragma synchronous = full")
        # Overwrite deleted content, even where SQLite was built with this off.
        conn.execute("pragma secure_delete = on")
        conn.execute("pragma foreign_keys = on")
        unknown = {m.name for m in migrations.applied(db)} - known_migrations()
        if not unknown:
            migrations.apply(db)
    except sqlite3.DatabaseError as error:
        raise StorageError(f"{path} cannot be used as a SQLite database ({error}); {ELSEWHERE}.") from None
    if unknown:
        conn.close()
        raise StorageError(
            f"{path} was written by a newer Threadline (it has {', '.join(sorted(unknown))}); "
            f"start that version, or {ELSEWHERE}."
        )
    conn.row_factory = sqlite3.Row
    return conn
