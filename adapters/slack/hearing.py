"""Whether the socket brings anything: it was connected anew, or has been silent for too long to be trusted.

The client asks for a sign of life every few seconds and connects anew where none comes. A socket may answer that and
bring nothing else all the same.
"""

import asyncio
import time
from typing import Any

SILENCE = 600.0


class Hearing:
    """Hears everything the socket brings."""

    def __init__(self) -> None:
        self._connected = asyncio.Event()
        self._heard_at = time.monotonic()

    def hear(self, message: dict[str, Any]) -> bool:
        """Whether this says that a new connection begins."""
        self._heard_at = time.monotonic()
        begins = message.get("type") == "hello"
        if begins:
            self._connected.set()
        return begins

    async def change(self) -> bool:
        """True once there is a new connection, False once nothing came for long."""
        while (left := self._heard_at + SILENCE - time.monotonic()) > 0:
            if await self.connected_within(left):
                return True
        self._heard_at = time.monotonic()
        return False

    async def connected_within(self, seconds: float) -> bool:
        """Whether there is a new connection before this time is up."""
        try:
            async with asyncio.timeout(seconds):
                await self._connected.wait()
        except TimeoutError:
            return False
        self._connected.clear()
        return True
