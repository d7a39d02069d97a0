"""When to look for messages that did not reach us: after a new connection, a long silence, or when Slack drops events.

The client sends a ping every few seconds and reconnects where no answer comes. A socket may answer pings and still
deliver nothing. Above 30,000 events an hour Slack drops the rest, and says so once a minute while it does.
"""

import asyncio
import contextlib
import time
from typing import Any, Literal

SILENCE = 600.0
# Events that Slack drops after it said so are told of in the next minute at the earliest, or never.
DROPPING = 65.0

Reason = Literal["connected", "silent", "missing"]


class Hearing:
    """Watches everything that the socket delivers."""

    def __init__(self) -> None:
        self._connected = asyncio.Event()
        self._changed = asyncio.Event()
        self._heard_at = time.monotonic()
        # When to look for dropped events, soonest first.
        self._looks: list[float] = []
        # The channels of messages that could not be stored.
        self.refused_in: set[str] = set()

    def hear(self, message: dict[str, Any]) -> bool:
        """Note a message of the socket; return whether it begins a new connection."""
        self._heard_at = time.monotonic()
        begins = message.get("type") == "hello"
        if begins:
            self._connected.set()
            self._changed.set()
        return begins

    def dropped(self) -> None:
        """Slack says that it drops events in this minute: look now, and again when the minute is over."""
        now = time.monotonic()
        self._looks = [now, now + DROPPING]
        self._changed.set()

    def refused(self, channel: str) -> None:
        """Look in this channel: a message could not be stored, and Slack redelivers it only for some minutes."""
        self.refused_in.add(channel)
        now = time.monotonic()
        self._looks = [now, *(at for at in self._looks if at > now)]
        self._changed.set()

    async def change(self) -> Reason:
        """Wait until there is a reason to look for missed messages."""
        while True:
            now = time.monotonic()
            if self._connected.is_set():
                self._connected.clear()
                return "connected"
            if self._looks and self._looks[0] <= now:
                del self._looks[0]
                return "missing"
            if self._heard_at + SILENCE <= now:
                self._heard_at = now
                return "silent"
            self._changed.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min([self._heard_at + SILENCE, *self._looks]) - now):
                    await self._changed.wait()

    async def connected_within(self, seconds: float) -> bool:
        """Wait for a new connection; return whether there was one before this time was up."""
        try:
            async with asyncio.timeout(seconds):
                await self._connected.wait()
        except TimeoutError:
            return False
        self._connected.clear()
        return True
