"""A control group per session where the system permits, so that the kernel enforces the session's limits.

Uses cgroup v2 only, and is optional: `process.py` measures the same limits, only with a delay.
"""

import asyncio
import contextlib
import errno
import itertools
import logging
import os
import re
from collections.abc import Iterator
from pathlib import Path

from assistants.service.tools.limits import Limits

_CONTROLLERS = frozenset({"memory", "pids"})
_NAME = re.compile(r"threadline-(\d+)-\d+")
# What a backend needs beside them: its own processes, or the threads of its runtime. The kernel counts both alike.
_OWN_TASKS = 32
_NUMBERS = itertools.count()
_PATIENCE = 5.0

logger = logging.getLogger(__name__)


class NoGroups(Exception):
    """Control groups are unavailable; the text is the reason, as part of a sentence."""


class Group:
    """The control group of one session: its processes share limits and are killed together."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def add(self, process: int) -> None:
        (self._folder / "cgroup.procs").write_text(str(process), "ascii")

    @property
    def ran_out_of_memory(self) -> bool:
        with contextlib.suppress(OSError):
            events = dict(line.split() for line in (self._folder / "memory.events").read_text("ascii").splitlines())
            return int(events.get("oom_kill", 0)) > 0
        return False

    async def remove(self) -> None:
        """Kill the remaining processes, then remove the group once they are gone."""
        with contextlib.suppress(OSError):  # it is younger than the rest (Linux 5.14)
            (self._folder / "cgroup.kill").write_text("1", "ascii")
        until = asyncio.get_running_loop().time() + _PATIENCE
        while error := _removed(self._folder):
            if error != errno.EBUSY or asyncio.get_running_loop().time() > until:
                logger.warning("The control group %s stays: %s", self._folder, os.strerror(error))
                return
            await asyncio.sleep(0.005)  # what was killed is gone within milliseconds


class Groups:
    """Creates control groups in a cgroup folder where memory and process count can be limited."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @classmethod
    def find(cls, *, system: Path = Path("/")) -> "Groups":
        """Find a folder where a group can be created and limited. Cleans up after a crash. Raises `NoGroups`."""
        refusals = []
        for folder in _candidates(system):
            found = cls(folder)
            try:
                found._prepare()
            except OSError as error:
                refusals.append(f"{folder}: {error.strerror}")
            else:
                return found
        raise NoGroups("; ".join(refusals) or "no cgroup v2 file system is mounted")

    def make(self, limits: Limits, own_memory: int = 0) -> Group:
        """Create a group with these limits, whose memory includes the session's in-memory files. Raises `OSError`."""
        folder = self._next()
        folder.mkdir()
        try:
            for name, value in self._values(limits, own_memory).items():
                (folder / name).write_text(value, "ascii")
            with contextlib.suppress(OSError):  # a kernel without swap has no such file
                (folder / "memory.swap.max").write_text("0", "ascii")
        except OSError:
            _removed(folder)
            raise
        return Group(folder)

    def _next(self) -> Path:
        return self._folder / f"threadline-{os.getpid()}-{next(_NUMBERS)}"

    @staticmethod
    def _values(limits: Limits, own_memory: int) -> dict[str, str]:
        memory = limits.memory + limits.disk + limits.disk // 4 + own_memory
        tasks = limits.processes + _OWN_TASKS
        return {"memory.max": str(memory), "memory.oom.group": "1", "pids.max": str(tasks)}

    def _prepare(self) -> None:
        """Enable the controllers. Raises `OSError` where groups cannot be limited."""
        there = set((self._folder / "cgroup.controllers").read_text("ascii").split())
        if lacking := _CONTROLLERS - there:
            raise OSError(errno.ENOTSUP, f"no controller of {' and '.join(sorted(lacking))} there")
        _sweep(self._folder)
        switch = self._folder / "cgroup.subtree_control"
        if not set(switch.read_text("ascii").split()) >= _CONTROLLERS:
            _switch_on(switch)
        # Without it no process could be moved from here into a group.
        if not os.access(self._folder / "cgroup.procs", os.W_OK):
            raise OSError(errno.EACCES, os.strerror(errno.EACCES))
        _removed(self.make(Limits())._folder)


def _candidates(system: Path) -> Iterator[Path]:
    """Yield the process's own cgroup folder, and its parent if that was delegated."""
    if not (system / "proc/self/cgroup").exists():
        return
    mounts = (system / "proc/self/mountinfo").read_text("utf-8", "replace").splitlines()
    places = [line.split()[4] for line in mounts if " - cgroup2 " in line]
    named = (system / "proc/self/cgroup").read_text("utf-8", "replace").splitlines()
    own = next((line.removeprefix("0::") for line in named if line.startswith("0::")), "/..")
    if not places or ".." in own.split("/"):
        return
    top = system / places[0].lstrip("/")
    folder = top / own.strip("/")
    yield folder
    if folder != top and _is_ours(folder.parent, top):
        yield folder.parent


def _is_ours(folder: Path, top: Path) -> bool:
    """Return whether systemd delegated the folder (`Delegate=`), or it is the root of a container's hierarchy."""
    # The top of the whole system's has no such file.
    if folder == top and (folder / "cgroup.events").exists():
        return True
    for name in ("trusted.delegate", "user.delegate"):
        with contextlib.suppress(OSError):
            if os.getxattr(folder, name) == b"1":
                return True
    return False


def _switch_on(switch: Path) -> None:
    try:
        switch.write_text(" ".join(f"+{name}" for name in sorted(_CONTROLLERS)), "ascii")
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise
        raise OSError(errno.EBUSY, "there are processes in it, Threadline's own") from None


def _sweep(folder: Path) -> None:
    """Remove groups left by a killed Threadline, whose processes died with it."""
    for left in folder.glob("threadline-*"):
        named = _NAME.fullmatch(left.name)
        if named and not Path("/proc", named[1]).exists():
            _removed(left)


def _removed(folder: Path) -> int:
    """Remove an empty group. Return the errno on failure."""
    try:
        folder.rmdir()
    except FileNotFoundError:
        return 0
    except OSError as error:
        return error.errno or errno.EIO
    return 0
