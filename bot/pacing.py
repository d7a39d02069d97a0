"""Paces the updates of a growing reply: one at a time, always with the newest snapshot."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from bot.adapter import PlatformError
from bot.segments import Snapshot

# How long an update in progress may take to finish when the reply is closed.
LANDING_SECONDS = 5.0

log = structlog.get_logger()


class Crowd:
    """The replies in progress that share one rate limit: the more there are, the longer each waits."""

    def __init__(self) -> None:
        self.growing = 0


class Pacing:
    """Shows snapshots with `bring`, at least `pace` seconds apart; a newer snapshot replaces a pending one.

    `bring` returns whether anything was shown; if not, the next snapshot need not wait. Updates are best effort: an
    error is logged, and one that is not retryable ends the updates.
    """

    def __init__(
        self, bring: Callable[[Snapshot], Awaitable[bool]], *, pace: float, crowd: Crowd | None = None
    ) -> None:
        self._bring = bring
        self._pace = pace
        self._crowd = crowd or Crowd()
        self._newest: Snapshot | None = None
        self._growth: asyncio.Task[None] | None = None
        self._ending = asyncio.Event()

    def show(self, snapshot: Snapshot) -> None:
        """Schedule this snapshot, unless the reply has ended."""
        self._newest = snapshot
        if (self._growth is None or self._growth.done()) and not self._ending.is_set():
            self._growth = asyncio.create_task(self._grow(), name="reply-grows")

    async def end(self, *, within: float | None = None) -> None:
        """Start no more updates; wait for the one in progress, or `within` seconds."""
        self._ending.set()
        if self._growth is not None:
            await asyncio.wait([self._growth], timeout=within)

    async def aclose(self) -> None:
        """Stop, and cancel an update that does not finish in time (it is only waiting out a rate limit)."""
        await self.end(within=LANDING_SECONDS)
        if self._growth is not None:
            self._growth.cancel()
            await asyncio.wait([self._growth])

    async def _grow(self) -> None:
        """Show the newest snapshot until there is no newer one."""
        self._crowd.growing += 1
        try:
            while (snapshot := self._newest) is not None and not self._ending.is_set():
                self._newest = None
                if await self._try_to_bring(snapshot):
                    await self._rest()
        finally:
            self._crowd.growing -= 1

    async def _rest(self) -> None:
        """Wait until the next update is due, or the reply ends."""
        try:
            async with asyncio.timeout(self._pace * self._crowd.growing):
                await self._ending.wait()
        except TimeoutError:
            return

    async def _try_to_bring(self, snapshot: Snapshot) -> bool:
        try:
            return await self._bring(snapshot)
        except Exception as error:
            # `finish` meets the same problem and reports it to the core.
            log.warning("reply not updated", error=str(error))
            if isinstance(error, PlatformError) and not error.retryable:
                self._ending.set()
            return True
