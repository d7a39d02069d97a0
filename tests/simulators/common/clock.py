"""The simulator's own time, so that minutes of the platform need not be waited for."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


class Clock:
    """Seconds since the simulator started. `rate` 60 makes a minute pass in a second, 0 stands still."""

    def __init__(self) -> None:
        self._rate = 1.0
        self._told_at = time.monotonic()
        self._told = 0.0
        self._moved = asyncio.Event()

    def now(self) -> float:
        return round(self._told + (time.monotonic() - self._told_at) * self._rate, 4)

    @property
    def rate(self) -> float:
        return self._rate

    @rate.setter
    def rate(self, rate: float) -> None:
        self._move(0, rate)

    def advance(self, seconds: float) -> None:
        """Lets time jump; whoever slept until then wakes."""
        self._move(seconds, self._rate)

    def _move(self, seconds: float, rate: float) -> None:
        self._told, self._told_at = self.now() + seconds, time.monotonic()
        self._rate = rate
        self._moved.set()
        self._moved = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        await self.sleep_until(self.now() + seconds)

    async def sleep_until(self, at: float) -> None:
        while (left := round(at - self.now(), 3)) > 0:
            await self._moves(left / self._rate if self._rate else None)

    async def _moves(self, seconds: float | None) -> None:
        """Returns when the clock was moved, or after these seconds of the real one."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._moved.wait()

    async def before(self, deadline: float, happens: Awaitable[T]) -> T:
        """What it gives, or TimeoutError when the clock shows `deadline` first."""
        happening = asyncio.ensure_future(happens)
        waiting = asyncio.create_task(self.sleep_until(deadline))
        try:
            await asyncio.wait({happening, waiting}, return_when=asyncio.FIRST_COMPLETED)
            if happening.done():
                return happening.result()
            raise TimeoutError
        finally:
            waiting.cancel()
            happening.cancel()
