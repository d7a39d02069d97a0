"""How long to wait for the effect of a request whose response was lost."""

import asyncio
import time

# Seconds after sending within which such an effect appears, if ever.
COMMIT = 2.0


async def settled(since: float) -> None:
    """Wait until every request sent before `since`, on the monotonic clock, has taken effect or never will."""
    await asyncio.sleep(since + COMMIT - time.monotonic())


async def settled_at(since: float) -> None:
    """The same for a Unix time recorded by another process; the clock may have been set since."""
    await asyncio.sleep(min(COMMIT, since + COMMIT - time.time()))
