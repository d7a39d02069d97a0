"""How late the effect of a lost request may still appear where it was sent: nobody looks, or gives up, earlier."""

import asyncio
import time

COMMIT = 2.0


async def settled(since: float) -> None:
    """Return when whatever was sent before `since`, on the monotonic clock, has appeared or never will."""
    await asyncio.sleep(since + COMMIT - time.monotonic())


async def settled_at(since: float) -> None:
    """The same for a Unix time, which another process may have written down, by a clock that was set since."""
    await asyncio.sleep(min(COMMIT, since + COMMIT - time.time()))
