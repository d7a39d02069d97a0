"""Which commands are being acknowledged, because nothing can be written into a response that does not exist yet."""

import asyncio
import contextlib
from collections.abc import Iterator


class Acknowledging:
    """The interactions of one account whose acknowledgement is in progress."""

    def __init__(self) -> None:
        self._pending: dict[str, asyncio.Event] = {}

    @contextlib.contextmanager
    def pending(self, interaction: str) -> Iterator[None]:
        """Let answers to an interaction wait until the block ends, however it ends."""
        done = self._pending[interaction] = asyncio.Event()
        try:
            yield
        finally:
            self._pending.pop(interaction, None)
            done.set()

    async def wait(self, interaction: str) -> None:
        """Return once an interaction is no longer being acknowledged."""
        if pending := self._pending.get(interaction):
            await pending.wait()
