"""Resource use of a session, read from /proc, for limits that the kernel enforces only per process."""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Usage:
    processor: float
    memory: int
    processes: int


def children(pid: int) -> list[int]:
    """Return a process's children; none if it has exited."""
    found: list[int] = []
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with suppress(OSError):
                found += map(int, (task / "children").read_text().split())
    return found


def descendants(pid: int) -> list[int]:
    found = children(pid)
    for each in found:
        found += children(each)
    return found


def measure(pid: int) -> Usage:
    """Measure a process and its descendants."""
    processor, memory, processes = 0.0, 0, 0
    for each in [pid, *descendants(pid)]:
        with suppress(OSError, IndexError, ValueError):
            # Fields follow the name, which may itself hold brackets and spaces.
            fields = Path(f"/proc/{each}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
            processor += sum(map(int, fields[11:15])) / _TICKS
            memory += int(fields[21]) * _PAGE
            processes += fields[0] != "Z"
    return Usage(processor, memory, processes)


def files(pid: int, folder: str) -> int:
    """Count the files in a session's file system; 0 if it is gone."""
    with suppress(OSError):
        state = os.statvfs(f"/proc/{pid}/root{folder}")
        return state.f_files - state.f_ffree
    return 0
