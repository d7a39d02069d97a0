"""`python -m tests.adapters.terminal URL KEY`: the terminal of `threadline chat`, at a server of the test's own."""

import asyncio
import sys

from adapters.console.terminal import Terminal


async def _talk(url: str, key: str) -> None:
    async with Terminal(url, "") as terminal:
        await terminal.talk(key)


asyncio.run(_talk(*sys.argv[1:]))
