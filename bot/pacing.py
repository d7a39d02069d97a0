"""Paces a growing reply: the newest snapshot wins, one update is on its way at a time."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from bot.adapter import PlatformError
from bot.segments import Snapshot

LANDING = 5.0

log = structlog.get_logger()


class Crowd:
    """The replies that grow now and share one limit: the more there are, the longer each of them waits."""

    def __init__(self) -> None:
        self.growing = 0


class Pacing:
    """Brings snapshots before people with `bring`, at least `pace` seconds apart; what a newer one overtook is dropped.

    `bring` says whether there was anything to show: where there was not, the next one need not wait. Growth is best
    effort: what `bring` raises is logged, and one that no trying again can help ends it.
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
        """Have this snapshot shown, unless a newer one comes first or the end came before."""
        self._newest = snapshot
        if (self._growth is None or self._growth.done()) and not self._ending.is_set():
            self._growth = asyncio.create_task(self._grow(), name="reply-grows")

    async def end(self, *, within: float | None = None) -> None:
        """Let nothing follow; returns when what is on its way has landed, or the seconds are over."""
        self._ending.set()
        if self._growth is not None:
            await asyncio.wait([self._growth], timeout=within)

    async def aclose(self) -> None:
        """Let nothing follow, and drop what does not land: it sits out a rate limit, so nothing is on its way."""
        await self.end(within=LANDING)
        if self._growth is not None:
            self._growth.cancel()
            await asyncio.wait([self._growth])

    async def _grow(self) -> None:
        """Bring the newest snapshot, again and again until there is none newer."""
        self._crowd.growing += 1
        try:
            while (snapshot := self._newest) is not None and not self._ending.is_set():
                self._newest = None
                if await self._try_to_bring(snapshot):
                    await self._rest()
        finally:
            self._crowd.growing -= 1

    async def _rest(self) -> None:
        """Wait for the next update's time, or the end."""
        try:
            async with asyncio.timeout(self._pace * self._crowd.growing):
                await self._ending.wait()
        except TimeoutError:
            return

    async def _try_to_bring(self, snapshot: Snapshot) -> bool:
        try:
            return await self._bring(snapshot)
        except Exception as error:
            # The end of the reply meets the same trouble and tells the core.
            log.warning("reply did not grow", error=str(error))
            if isinstance(error, PlatformError) and not error.retryable:
                self._ending.set()
            return True
