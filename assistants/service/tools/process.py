"""One sandboxed process as its host sees it: frames in and out, its limits watched, its end explained."""

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from importlib import resources
from typing import Any, NoReturn

from assistants.service.tools.bubblewrap import ENVIRONMENT, TEMPORARY, WORK, Bubblewrap
from assistants.service.tools.limits import Limits, size
from assistants.service.tools.measuring import Usage, children, files, measure
from assistants.service.tools.output import Output
from assistants.service.tools.seccomp import seccomp_filter
from assistants.service.tools.spawning import end, spawn

KERNEL = resources.files("assistants.service.tools").joinpath("kernel.py").read_text("utf-8")
WATCH_SECONDS = 0.1
_LONGEST_LINE = 64 << 10


class Ended(Exception):  # noqa: N818 - reads as what it tells
    """The process is gone; the text is a sentence that says why."""


@dataclass(frozen=True, slots=True)
class Frame:
    kind: str
    fields: dict[str, Any]
    blob: bytes


class Process:
    """A Python in the sandbox. Between its calls it is stopped: whatever it left running does not run."""

    def __init__(self, limits: Limits, process: asyncio.subprocess.Process, output: Output) -> None:
        self._limits = limits
        self._process = process
        self._output = output
        # By the host's numbers: the first process of the namespace, which is bubblewrap's, and the Python in it.
        self._first = self._inner = 0
        self._handles: dict[int, int] = {}
        self._reason = ""

    @classmethod
    async def start(cls, backend: Bubblewrap, limits: Limits, *, slot: int) -> "Process":
        """Raises `Ended` with what the sandbox said when it does not come up."""
        reading, writing = os.pipe()
        seccomp = _readable(seccomp_filter())
        command = backend.command(limits, slot=slot, seccomp=seccomp, code=KERNEL)
        try:
            process = await spawn(
                *command,
                env=ENVIRONMENT,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=writing,
                pass_fds=[] if seccomp is None else [seccomp],
                limit=_LONGEST_LINE,
            )
        except BaseException as error:
            os.close(reading)
            if isinstance(error, OSError):
                raise Ended(f"The sandbox did not start: {error.strerror}.") from error
            raise
        finally:
            os.close(writing)
            if seccomp is not None:
                os.close(seccomp)
        self = cls(limits, process, Output(reading, limits))
        try:
            await self._begin(backend)
        except BaseException:
            await self.kill("")
            raise
        return self

    async def _begin(self, backend: Bubblewrap) -> None:
        limits = self._limits
        begin = {
            "do": "begin",
            "packages": backend.package_folders,
            "limits": {"returned": limits.returned, "returned_files": limits.returned_files},
            "rlimits": {
                "RLIMIT_AS": limits.memory * 3 // 2,
                "RLIMIT_NPROC": limits.processes,
                "RLIMIT_NOFILE": limits.open_files,
                "RLIMIT_FSIZE": limits.disk,
                # A second hand on what `_watch` counts by call.
                "RLIMIT_CPU": int(limits.processor * 20) + 1,
                "RLIMIT_CORE": 0,
                "RLIMIT_MSGQUEUE": 0,
                "RLIMIT_MEMLOCK": 0,
            },
        }
        async with self._patience(30):
            await self.send(begin)
            await self.receive()
        self._first = next(iter(children(self._process.pid)), 0)
        self._inner = next(iter(children(self._first)), 0)
        # A number can come to mean another process, a handle cannot.
        self._handles = {each: os.pidfd_open(each) for each in (self._first, self._inner) if each}
        if not self._inner:
            raise Ended("This kernel does not tell which processes a process started (CONFIG_PROC_CHILDREN).")

    @property
    def ended(self) -> str:
        """Why it is gone, or nothing."""
        return self._reason or ("" if self._process.returncode is None else "It ended by itself.")

    async def send(self, frame: dict[str, Any], blob: bytes = b"") -> None:
        stdin = self._process.stdin
        assert stdin is not None  # noqa: S101 - it was asked for
        try:
            stdin.write(json.dumps({**frame, "size": len(blob)}).encode() + b"\n")
            stdin.write(blob)
            await stdin.drain()
        except (ConnectionError, RuntimeError):
            raise Ended(await self._explain()) from None

    async def receive(self) -> Frame:
        """The next frame. What does not look like one ends the process: its code has put its hands on the line."""
        stdout = self._process.stdout
        assert stdout is not None  # noqa: S101 - it was asked for
        try:
            line = await stdout.readuntil()
            fields = json.loads(line)
            kind, count = fields["is"], fields["size"]
            if not isinstance(kind, str) or type(count) is not int or not 0 <= count <= self._limits.returned:
                raise ValueError("not a frame")
            blob = await stdout.readexactly(count)
        except asyncio.IncompleteReadError:
            raise Ended(await self._explain()) from None
        except (ValueError, KeyError, TypeError, RecursionError, asyncio.LimitOverrunError):
            await self.broken()
        return Frame(kind, fields, blob)

    async def broken(self) -> NoReturn:
        """End it because what it answers is not what our kernel would answer. Raises `Ended`."""
        await self.kill("It broke the line it answers on and was stopped.")
        raise Ended(self._reason) from None

    @contextlib.asynccontextmanager
    async def call(self) -> AsyncIterator[Output]:
        """Let it run, under its limits, until the block ends. Raises `Ended`."""
        self._output.clear()
        self._signal(self._inner, signal.SIGCONT)
        watching = asyncio.create_task(self._watch())
        try:
            async with self._patience(self._limits.wall):
                yield self._output
        except asyncio.CancelledError:
            # What it would answer belongs to nobody now.
            await self.kill("Its call was given up.")
            raise
        finally:
            watching.cancel()
            self._output.drain()
            await self._rest()

    async def _rest(self) -> None:
        if self._reason:
            return
        self._signal(self._inner, signal.SIGSTOP)
        if measure(self._first).processes > 2:
            await self.kill("It left processes running and was stopped.")

    @contextlib.asynccontextmanager
    async def _patience(self, seconds: float) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(seconds):
                yield
        except TimeoutError:
            await self.kill(f"It ran longer than {seconds:g} seconds and was stopped.")
            raise Ended(self._reason) from None

    async def _watch(self) -> None:
        before: Usage | None = None
        while True:
            usage = measure(self._first)
            before = before or usage
            if reason := self._excess(usage, usage.processor - before.processor):
                await self.kill(reason)
                return
            await asyncio.sleep(WATCH_SECONDS)

    def _excess(self, usage: Usage, processor: float) -> str:
        limits = self._limits
        if usage.memory > limits.memory:
            return f"It used more than {size(limits.memory)} of memory and was stopped."
        if processor > limits.processor:
            return f"It used more than {limits.processor:g} seconds of processor time and was stopped."
        if self._output.total > limits.printed:
            return f"It printed more than {size(limits.printed)} and was stopped."
        if files(self._inner, WORK) + files(self._inner, TEMPORARY) > limits.files:
            return f"It made more than {limits.files:,} files and was stopped."
        return ""

    def _signal(self, process: int, number: signal.Signals) -> None:
        if process in self._handles:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                signal.pidfd_send_signal(self._handles[process], number)

    async def kill(self, reason: str) -> None:
        """End it and everything in it; the first reason stays."""
        self._reason = self._reason or reason or "It was ended."
        if self._process.returncode is None:
            # With the first process of its namespace goes the whole namespace.
            self._signal(self._first, signal.SIGKILL)
        await end(self._process)
        await self._discard()
        self._output.close()
        while self._handles:
            os.close(self._handles.popitem()[1])

    async def _discard(self) -> None:
        """Read to the end, so that the pipe is closed; where somebody is reading already, they will."""
        stdout = self._process.stdout
        with contextlib.suppress(RuntimeError):
            while stdout is not None and await stdout.read(_LONGEST_LINE):
                pass

    async def _explain(self) -> str:
        """Why it ended by itself."""
        code = await self._process.wait()
        self._output.drain()
        said = "" if self._inner else self._output.text().strip()
        await self.kill(_EXITS.get(code, f"It ended by itself (exit code {code}).") + (f" {said}" if said else ""))
        return self._reason


_EXITS = {
    128 + signal.SIGKILL: "It was killed by the system: out of memory, or out of processor time.",
    128 + signal.SIGSEGV: "It crashed (segmentation fault).",
    128 + signal.SIGXCPU: "It used all its processor time and was stopped.",
}


def _readable(content: bytes | None) -> int | None:
    """A pipe with this in it, small enough to fit."""
    if content is None:
        return None
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as pipe:
        pipe.write(content)
    return reading
