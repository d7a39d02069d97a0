"""Captures a session's output: keeps the beginning and the end, counts the middle."""

import asyncio
import contextlib
import os

from assistants.service.tools.limits import Limits, size

_CHUNK = 64 << 10


class Output:
    """The reading end of a pipe, read continuously."""

    def __init__(self, pipe: int, limits: Limits) -> None:
        os.set_blocking(pipe, False)
        self._pipe = pipe
        self._half = limits.output // 2
        self._open = True
        self.clear()
        asyncio.get_running_loop().add_reader(pipe, self._read)

    def clear(self) -> None:
        self.total = 0
        self._head = bytearray()
        self._tail = bytearray()

    def text(self) -> str:
        left_out = self.total - len(self._head) - len(self._tail)
        middle = f"\n[{size(left_out)} left out]\n".encode() if left_out else b""
        return (bytes(self._head) + middle + bytes(self._tail)).decode("utf-8", "replace")

    def drain(self) -> None:
        """Read what is in the pipe now, even if the writer never stops."""
        for _ in range(64):
            if not self._open or not self._read():
                return

    def close(self) -> None:
        if self._open:
            self._open = False
            asyncio.get_running_loop().remove_reader(self._pipe)
            os.close(self._pipe)

    def _read(self) -> bool:
        with contextlib.suppress(BlockingIOError):
            if content := os.read(self._pipe, _CHUNK):
                self._keep(content)
                return True
            self.close()
        return False

    def _keep(self, content: bytes) -> None:
        self.total += len(content)
        room = self._half - len(self._head)
        self._head += content[:room]
        self._tail += content[room:]
        del self._tail[: max(0, len(self._tail) - self._half)]
