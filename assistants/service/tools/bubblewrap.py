"""The bubblewrap backend: a session's view of the file system, and its user id.

An ordinary user gets a user namespace. Root does not: processes there would be root outside and escape the process
limit. Instead bubblewrap runs without one, and the command drops to a user id that nothing else uses.
"""

import contextlib
import os
import shutil
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assistants.service.inside.bundle import bundle
from assistants.service.tools.backend import Inside, Launch
from assistants.service.tools.bytecode import compile_packages, missing
from assistants.service.tools.limits import Limits
from assistants.service.tools.measuring import children, files
from assistants.service.tools.refusal import SandboxUnavailable
from assistants.service.tools.seccomp import seccomp_filter

WORK = "/mnt/data"
TEMPORARY = "/tmp"  # noqa: S108 - the session's own
PACKAGES = "/packages"
KERNEL = bundle("cells", "frames", "kernel")
PROGRAM = "/threadline.py"
_LIBRARIES = ("/usr/lib", "/usr/lib64", "/lib", "/lib64", "/etc/ld.so.cache", "/usr/share/zoneinfo")
_DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random")
ENVIRONMENT = {
    "HOME": TEMPORARY,
    "LANG": "C.UTF-8",
    "MALLOC_ARENA_MAX": "2",
    "MPLBACKEND": "module://threadline_figures",
    "MPLCONFIGDIR": f"{TEMPORARY}/matplotlib",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "TZ": "UTC",
}


@dataclass(frozen=True)
class Bubblewrap:
    """The bubblewrap `Backend`, with the paths of the programs it needs."""

    program: str
    setpriv: str | None
    """Set where we are root."""
    name = "bubblewrap"
    # The first one of the namespace, which is bubblewrap's, and the Python in it.
    own_processes = 2
    python: Path = field(default_factory=lambda: Path(sys.executable).resolve())
    prefix: Path = field(default_factory=lambda: Path(sys.base_prefix).resolve())
    packages: tuple[Path, ...] = field(default_factory=lambda: _packages())

    @classmethod
    def find(cls) -> "Bubblewrap":
        """Find bubblewrap. Raises `SandboxUnavailable` where it cannot be used."""
        if sys.platform != "linux":
            raise SandboxUnavailable(
                "The sandbox needs Linux.", "Run Threadline on Linux or in a Linux virtual machine."
            )
        if (program := shutil.which("bwrap")) is None:
            raise SandboxUnavailable(
                "bubblewrap is not installed.", "Install it: apt install bubblewrap, or dnf install bubblewrap."
            )
        if os.geteuid() != 0:
            return cls(program, None)
        if (setpriv := shutil.which("setpriv")) is None:
            raise SandboxUnavailable(
                "setpriv is not installed.", "Install util-linux, or run Threadline as a user and not as root."
            )
        return cls(program, setpriv)

    @property
    def missing(self) -> list[str]:
        return missing()

    async def prepare(self) -> None:
        await compile_packages()

    def own_memory(self, limits: Limits) -> int:  # noqa: ARG002 - its files are in a file system of their own
        return 0

    @contextlib.contextmanager
    def launch(self, limits: Limits, *, slot: int) -> Iterator[Launch]:
        rules = seccomp_filter()
        kernel, seccomp = _readable(KERNEL.encode()), None if rules is None else _readable(rules)
        handles = (kernel,) if seccomp is None else (kernel, seccomp)
        try:
            yield Launch(self.command(limits, slot=slot, seccomp=seccomp, kernel=kernel), ENVIRONMENT, handles)
        finally:
            for each in handles:
                os.close(each)

    def begin(self, limits: Limits) -> dict[str, Any]:
        return {
            "packages": [f"{PACKAGES}/{number}" for number in range(len(self.packages))],
            "limits": {"returned": limits.returned, "returned_files": limits.returned_files},
            "rlimits": {
                "RLIMIT_AS": limits.memory * 3 // 2,
                "RLIMIT_NPROC": limits.processes,
                "RLIMIT_NOFILE": limits.open_files,
                "RLIMIT_FSIZE": limits.disk,
                # A second hand on what is counted by call.
                "RLIMIT_CPU": int(limits.processor * 20) + 1,
                "RLIMIT_CORE": 0,
                "RLIMIT_MSGQUEUE": 0,
                "RLIMIT_MEMLOCK": 0,
            },
        }

    def inside(self, process: int) -> Inside | None:
        first = next(iter(children(process)), 0)
        inner = next(iter(children(first)), 0)
        return Inside(first, inner) if inner else None

    def files(self, inside: Inside) -> int:
        return files(inside.inner, WORK) + files(inside.inner, TEMPORARY)

    def command(self, limits: Limits, *, slot: int, seccomp: int | None, kernel: int) -> list[str]:
        """Return the command line, without the session's program: every user of the host can read command lines."""
        program = ["--perms", "0444", "--file", str(kernel), PROGRAM]
        python = [str(self.python), "-I", "-S", "-B", PROGRAM]
        return [self.program, *program, *self.isolation(limits, seccomp), "--", *self.drop(slot), *python]

    def isolation(self, limits: Limits, seccomp: int | None) -> Iterator[str]:
        yield from ("--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try")
        if self.setpriv is None:
            yield from ("--unshare-user", "--uid", "65534", "--gid", "65534")
        yield from ("--die-with-parent", "--new-session", "--hostname", "sandbox")
        if seccomp is not None:
            yield from ("--seccomp", str(seccomp))
        yield from self.sight()
        for folder, share in ((TEMPORARY, 4), (WORK, 1)):
            yield from ("--perms", "1777", "--size", str(limits.disk // share), "--tmpfs", folder)
        # The root itself is a file system of memory without a limit.
        yield from ("--remount-ro", "/", "--chdir", WORK)

    def sight(self) -> Iterator[str]:
        """Return what a session can read of the host: Python, its packages and their libraries. No /proc, no /sys."""
        places = [*_LIBRARIES, str(self.prefix if self.prefix != Path("/usr") else self.python)]
        if self.setpriv is not None:
            places.append(self.setpriv)
        # Folders on the way are made for root alone unless they are asked for first.
        for parent in _parents([*places, *_DEVICES, WORK, f"{PACKAGES}/0"]):
            yield from ("--perms", "0755", "--dir", parent)
        for place in places:
            yield from ("--ro-bind-try", place, place)
        for number, folder in enumerate(self.packages):
            yield from ("--ro-bind", str(folder), f"{PACKAGES}/{number}")
        for device in _DEVICES:
            yield from ("--dev-bind", device, device)

    def drop(self, slot: int) -> list[str]:
        if self.setpriv is None:
            return []
        identity = str(_first_id() + slot)
        rest = ("--clear-groups", "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all")
        return [self.setpriv, f"--reuid={identity}", f"--regid={identity}", *rest, "--"]


def _first_id() -> int:
    """Return the first of the unused user ids. Each session gets its own, so that per-user limits are per session."""
    with contextlib.suppress(OSError, ValueError):
        _, _, count = Path("/proc/self/uid_map").read_text("ascii").split()
        if int(count) == (1 << 32) - 1:
            # Another process of ours has others.
            return 2_000_000_000 + os.getpid() % 100_000 * 1000
    # A container that knows few ids. Debian leaves these to nobody.
    return 65_000


def _parents(places: list[str]) -> list[str]:
    """Return all parent folders of these paths, outermost first."""
    return list(dict.fromkeys(str(folder) for place in places for folder in reversed(Path(place).parents[:-1])))


def _packages() -> tuple[Path, ...]:
    folders = (Path(sysconfig.get_path(name)) for name in ("purelib", "platlib"))
    return tuple(dict.fromkeys(folder.resolve() for folder in folders if folder.is_dir()))


def _readable(content: bytes) -> int:
    """Return an in-memory file with this content, positioned at its start."""
    file = os.memfd_create("threadline")
    os.write(file, content)
    os.lseek(file, 0, os.SEEK_SET)
    return file
