"""One sandboxed process: exchanges frames with it, enforces its limits, explains its exit."""

import asyncio
import contextlib
import json
import logging
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, NoReturn

from assistants.service.tools.backend import Backend, Inside
from assistants.service.tools.cgroups import Group, Groups
from assistants.service.tools.limits import Limits
from assistants.service.tools.measuring import Usage, measure
from assistants.service.tools.output import Output
from assistants.service.tools.spawning import end, spawn

logger = logging.getLogger(__name__)

WATCH_SECONDS = 0.1
PATIENCE = 30
_LONGEST_LINE = 64 << 10


class Ended(Exception):
    """The process has exited; the text is a sentence that says why."""


@dataclass(frozen=True, slots=True)
class Frame:
    kind: str
    fields: dict[str, Any]
    blob: bytes


class Process:
    """A sandboxed Python. It is suspended between calls, together with any background work it started."""

    def __init__(self, backend: Backend, limits: Limits, process: asyncio.subprocess.Process, output: Output) -> None:
        self._backend = backend
        self._limits = limits
        self._process = process
        self._output = output
        self._inside = Inside(0, 0)
        self._handles: dict[int, int] = {}
        self._group: Group | None = None
        self._reason = ""

    @classmethod
    async def start(cls, backend: Backend, limits: Limits, *, slot: int, groups: Groups | None = None) -> "Process":
        """Start the process. Raises `Ended` with the sandbox's output if it fails to start."""
        reading, writing = os.pipe()
        try:
            with backend.launch(limits, slot=slot) as launch:
                process = await spawn(
                    *launch.command,
                    env=launch.environment,
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=writing,
                    pass_fds=launch.handles,
                    limit=_LONGEST_LINE,
                )
        except BaseException as error:
            os.close(reading)
            if isinstance(error, OSError):
                raise Ended(f"The sandbox did not start: {error.strerror}.") from error
            raise
        finally:
            os.close(writing)
        self = cls(backend, limits, process, Output(reading, limits))
        try:
            await self._begin()
            self._join(groups)
        except BaseException:
            await self.kill("")
            raise
        return self

    async def _begin(self) -> None:
        async with self._patience(PATIENCE, f"It did not come up within {PATIENCE} seconds."):
            await self.send({"do": "begin", **self._backend.begin(self._limits)})
            await self.receive()
        if (inside := self._backend.inside(self._process.pid)) is None:
            raise Ended("This kernel does not tell which processes a process started (CONFIG_PROC_CHILDREN).")
        self._inside = inside
        # A process id may be reused, a pidfd may not.
        self._handles = {each: os.pidfd_open(each) for each in {inside.first, inside.inner}}

    def _join(self, groups: Groups | None) -> None:
        """Join a control group before any code runs, so that all later processes are in it."""
        if groups is None:
            return
        try:
            self._group = groups.make(self._limits, self._backend.own_memory(self._limits))
            for each in {self._process.pid, self._inside.first, self._inside.inner}:
                self._group.add(each)
        except OSError as error:
            logger.warning("A session runs without a control group: %s", error)

    @property
    def ended(self) -> str:
        """Return why the process exited, or an empty text while it lives."""
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
        """Return the next frame. Kills the process on a malformed one: the code has tampered with the channel."""
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
        if kind == "excess" and (why := self._limits.said(str(fields.get("of")))):
            await self.kill(why)
            raise Ended(self._reason)
        return Frame(kind, fields, blob)

    async def broken(self) -> NoReturn:
        """Kill the process for an answer that the kernel would not send. Raises `Ended`."""
        await self.kill("It broke the line it answers on and was stopped.")
        raise Ended(self._reason) from None

    @contextlib.asynccontextmanager
    async def call(self) -> AsyncIterator[Output]:
        """Resume the process under its limits until the block ends. Raises `Ended`."""
        self._output.clear()
        self._signal(self._inside.inner, signal.SIGCONT)
        watching = asyncio.create_task(self._watch())
        try:
            async with self._patience(self._limits.wall, self._limits.said("wall")):
                yield self._output
        except asyncio.CancelledError:
            # Nobody waits for its answer any more.
            await self.kill("Its call was given up.")
            raise
        finally:
            watching.cancel()
            self._output.drain()
            await self._rest()

    async def _rest(self) -> None:
        if self._reason:
            return
        self._signal(self._inside.inner, signal.SIGSTOP)
        usage = measure(self._inside.first)
        if usage.processes > self._backend.own_processes:
            await self.kill("It left processes running and was stopped.")
        # What this call still holds would otherwise end the next one.
        elif reason := self._excess_held(usage):
            await self.kill(reason)

    @contextlib.asynccontextmanager
    async def _patience(self, seconds: float, why: str) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(seconds):
                yield
        except TimeoutError:
            await self.kill(why)
            raise Ended(self._reason) from None

    async def _watch(self) -> None:
        before: Usage | None = None
        while True:
            usage = measure(self._inside.first)
            before = before or usage
            if reason := self._excess(usage, usage.processor - before.processor):
                await self.kill(reason)
                return
            await asyncio.sleep(WATCH_SECONDS)

    def _excess(self, usage: Usage, processor: float) -> str:
        limits = self._limits
        if processor > limits.processor:
            return limits.said("processor")
        if self._output.total > limits.printed:
            return limits.said("printed")
        return self._excess_held(usage)

    def _excess_held(self, usage: Usage) -> str:
        """Return the sentence for a limit that is exceeded by what stays after a call: memory and files."""
        limits = self._limits
        if usage.memory > limits.memory + self._backend.own_memory(limits):
            return limits.said("memory")
        return limits.said("files") if self._backend.files(self._inside) > limits.files else ""

    def _signal(self, process: int, number: signal.Signals) -> None:
        if process in self._handles:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                signal.pidfd_send_signal(self._handles[process], number)

    async def kill(self, reason: str) -> None:
        """Kill the process and its descendants; the first reason is kept."""
        self._reason = self._reason or reason or "It was ended."
        if self._process.returncode is None:
            # Killing the first process of the namespace kills the whole namespace.
            self._signal(self._inside.first, signal.SIGKILL)
        await end(self._process)
        self._output.close()
        while self._handles:
            os.close(self._handles.popitem()[1])
        group, self._group = self._group, None
        if group is not None:
            await group.remove()

    async def _explain(self) -> str:
        """Return why the process exited on its own."""
        code = await self._process.wait()
        self._output.drain()
        said = "" if self._inside.inner else self._output.text().strip()
        why = _EXITS.get(code, f"It ended by itself (exit code {code}).")
        if self._group is not None and self._group.ran_out_of_memory:
            why = self._limits.said("memory")
        await self.kill(why + (f" {said}" if said else ""))
        return self._reason


_EXITS = {
    128 + signal.SIGKILL: "It was killed by the system: out of memory, or out of processor time.",
    128 + signal.SIGSEGV: "It crashed (segmentation fault).",
    128 + signal.SIGXCPU: "It used all its processor time and was stopped.",
}
