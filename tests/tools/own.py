"""The processes that a test started, without those that start programs for other tests (`tests/forked.py`)."""

import os
from pathlib import Path

from assistants.service.tools.measuring import children


def own_children() -> list[int]:
    return [each for each in children(os.getpid()) if not _starts_programs(each)]


def own_descendants() -> list[int]:
    found = own_children()
    for each in found:
        found += children(each)
    return found


def _starts_programs(process: int) -> bool:
    try:
        return "from multiprocessing." in Path(f"/proc/{process}/cmdline").read_text("utf-8", "replace")
    except OSError:
        return False
