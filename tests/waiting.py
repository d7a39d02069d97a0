"""Waiting for what nobody announces: files, processes and tables of other programs."""

import asyncio
from collections.abc import Callable


async def until(holds: Callable[[], object], *, seconds: float = 60) -> None:
    """Return once `holds()` is true. Raises `TimeoutError`."""
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110 - nothing announces it
            await asyncio.sleep(0.01)
