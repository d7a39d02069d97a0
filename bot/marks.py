"""Marks a message that waits for another turn to end, and removes the mark when its own turn begins. Best effort."""

import asyncio
from collections.abc import Mapping

import structlog

from bot.adapter import Adapter, MarksWaiting, PlatformError
from storage.records import Conversation, IncomingRow
from storage.turns import Opened

log = structlog.get_logger()


class Marks:
    """The marks on every platform that can show them."""

    def __init__(self, adapters: Mapping[str, Adapter]) -> None:
        # Checked once, because isinstance is slow for a protocol.
        self._adapters = {name: adapter for name, adapter in adapters.items() if isinstance(adapter, MarksWaiting)}
        self._latest: dict[int, asyncio.Task[None]] = {}

    def waits(self, conversation: Conversation, message: IncomingRow) -> None:
        """Mark a message that waits until another turn has ended."""
        self._mark(conversation, message, waits=True)

    def begins(self, opened: Opened) -> None:
        """Remove the marks of the messages of a turn."""
        for message in opened.incoming:
            if message.noted:
                self._mark(opened.conversation, message, waits=False)

    def _mark(self, conversation: Conversation, message: IncomingRow, *, waits: bool) -> None:
        adapter = self._adapters.get(conversation.platform)
        if adapter is None:
            return
        earlier = self._latest.get(message.id)
        task = asyncio.create_task(_one(adapter, conversation, message, earlier, waits=waits), name="mark-waiting")
        self._latest[message.id] = task
        task.add_done_callback(lambda done: self._forget(message.id, done))

    def _forget(self, message: int, done: "asyncio.Task[None]") -> None:
        if self._latest.get(message) is done:
            del self._latest[message]


async def _one(
    adapter: MarksWaiting,
    conversation: Conversation,
    message: IncomingRow,
    earlier: "asyncio.Task[None] | None",
    *,
    waits: bool,
) -> None:
    """Set or remove one mark, after any earlier change to the same message."""
    if earlier is not None:
        await asyncio.wait([earlier])
    try:
        await adapter.mark_waiting(conversation, message, waits=waits)
    except PlatformError as error:
        log.info("cannot show that a message waits", message=message.event, error=str(error))
