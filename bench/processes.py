"""Starts the processes of a benchmark, and reads their resource use from /proc."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def program(
    *command: str, says: str = "http://", cwd: str | None = None, env: Mapping[str, str] = os.environ
) -> Iterator[tuple[int, str]]:
    """Run a program until the block ends. Yields its process id and address, the last word of the line with `says`."""
    process = subprocess.Popen(command, env=env, cwd=cwd, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = next(line for line in process.stdout if says in line)
        yield process.pid, line.split()[-1]
    finally:
        process.terminate()
        process.wait()


def module(name: str, *arguments: str) -> tuple[str, ...]:
    """Return the command that runs a module."""
    return (sys.executable, "-m", name, *arguments)


def said(*command: str) -> str:
    """Return a program's standard output; the program must succeed."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def memory(pid: int | None = None) -> float:
    """Return resident megabytes, by default of this process."""
    lines = Path(f"/proc/{pid or os.getpid()}/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


def processor(pid: int) -> float:
    """Return the processor seconds used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
