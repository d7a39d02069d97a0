"""The lock that limits a database file to one server and names that server."""

import fcntl
import json
import os
import time
from pathlib import Path
from typing import Any

from storage.database import StorageError

PATIENCE = 0.3  # seconds; somebody may only be asking who serves
ANNOUNCEMENT = 512  # bytes; written whole, so that a reader never sees half of an older one
# What to do when this file cannot be used.
ELSEWHERE = "name another DATA_DIR, or another DATABASE_URL where that is set"


class FileLock:
    """An flock on `FILE.lock`, held for the life of a server. Raises `StorageError` when another one holds it."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(_beside(path), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        until = time.monotonic() + PATIENCE
        while not _locked(self._descriptor, fcntl.LOCK_EX):
            if time.monotonic() > until:
                os.close(self._descriptor)
                raise StorageError(_taken(path))
            time.sleep(0.02)
        self._write({})

    def announce(self, url: str) -> None:
        """Publish this server's URL."""
        self._write({"pid": os.getpid(), "url": url})

    def release(self) -> None:
        os.close(self._descriptor)

    def _write(self, said: dict[str, Any]) -> None:
        os.pwrite(self._descriptor, json.dumps(said).ljust(ANNOUNCEMENT).encode(), 0)


def serving(path: Path) -> dict[str, Any] | None:
    """Return the `pid` and, once known, the `url` of the server that uses this file; None without a server."""
    try:
        descriptor = os.open(_beside(path.resolve()), os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StorageError(f"{path} cannot be opened ({error.strerror}); it belongs to another user.") from None
    try:
        if _locked(descriptor, fcntl.LOCK_SH):
            return None
        said: dict[str, Any] = json.loads(os.pread(descriptor, ANNOUNCEMENT, 0) or b"{}")
        return said
    finally:
        os.close(descriptor)


def _beside(path: Path) -> str:
    return f"{path}.lock"


def _locked(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _taken(path: Path) -> str:
    holder = serving(path) or {}
    who = f" (process {holder['pid']})" if "pid" in holder else ""
    return f"{path} is already served by another Threadline{who}; stop that one, or {ELSEWHERE}."
