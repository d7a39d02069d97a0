"""Compiles the sandbox's packages once; a session cannot save bytecode and would compile them every time."""

import asyncio
import importlib.util
import sys
import tempfile
from pathlib import Path

from assistants.service.tools.spawning import end, spawn

LIBRARIES = ("numpy", "pandas", "matplotlib")
PACKAGES = ("numpy", "pandas", "matplotlib.pyplot")


def missing() -> list[str]:
    """Return the packages of the extra `sandbox` that are not installed."""
    return [name for name in LIBRARIES if importlib.util.find_spec(name) is None]


async def compile_packages() -> None:
    """Import packages that are not compiled yet in a separate process. Best effort: this only saves time."""
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
