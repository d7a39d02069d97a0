"""What a process on this machine has used, read from /proc."""

import os
from pathlib import Path


def memory(pid: int | None = None) -> float:
    """Resident megabytes, of this process where none is named."""
    lines = Path(f"/proc/{pid or os.getpid()}/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


def processor(pid: int) -> float:
    """Seconds of processor time so far."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
