"""Has Python compile the packages once: a session cannot keep what it compiles, and would do it anew each time."""

import asyncio
import importlib.util
import sys
import tempfile
from pathlib import Path

from assistants.service.tools.spawning import end, spawn

LIBRARIES = ("numpy", "pandas", "matplotlib")
PACKAGES = ("numpy", "pandas", "matplotlib.pyplot")


def missing() -> list[str]:
    """Which packages of the extra `sandbox` code will not find."""
    return [name for name in LIBRARIES if importlib.util.find_spec(name) is None]


async def compile_packages() -> None:
    """Import them in a process of its own where they have not been compiled. Best effort: it only saves time."""
    if not (names := _not_compiled()):
        return
    imports = "\n".join(f"import {name}" for name in names)
    with tempfile.TemporaryDirectory() as folder:
        process = await spawn(
            *(sys.executable, "-I", "-c", imports),
            env={"MPLBACKEND": "agg", "MPLCONFIGDIR": folder},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            await process.wait()
        finally:
            await end(process)


def _not_compiled() -> list[str]:
    absent = missing()
    names = [name for name in PACKAGES if name.partition(".")[0] not in absent]
    origins = {name: str((spec := importlib.util.find_spec(name)) and spec.origin) for name in names}
    return [name for name in names if not Path(importlib.util.cache_from_source(origins[name])).exists()]
