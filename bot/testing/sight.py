"""What people see, with a notification on every change; for stages whose platform runs in this process."""

import asyncio
from collections.abc import AsyncGenerator, Sequence


class Sight:
    """`see` sets what is seen; `watch` yields it, and again whenever it changes."""

    def __init__(self) -> None:
        self._seen: tuple[str, ...] = ()
        self._version = 0
        self._changed = asyncio.Condition()

    async def see(self, seen: Sequence[str]) -> None:
        self._seen = tuple(seen)
        self._version += 1
        async with self._changed:
            self._changed.notify_all()

    async def watch(self) -> AsyncGenerator[Sequence[str], None]:
        while True:
            version = self._version
            yield self._seen
            async with self._changed:
                while self._version == version:
                    await self._changed.wait()
