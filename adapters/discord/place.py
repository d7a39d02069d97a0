"""Finds the DM, channel or thread for a reply, and opens a thread for a question in a channel."""

import asyncio
from dataclasses import dataclass
from typing import Self

import structlog

from adapters.discord.account import Account
from adapters.discord.errors import HAS_THREAD, UNKNOWN_CHANNEL, UNKNOWN_MESSAGE, RefusedError
from adapters.discord.incoming import DM, PLATFORM, thread_name
from bot.adapter import Turn

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Posted:
    """A message of the bot."""

    channel: str
    message: str

    @property
    def ref(self) -> str:
        return f"{PLATFORM}:{self.channel}:{self.message}"

    @classmethod
    def of(cls, ref: str) -> Self:
        _, channel, message = ref.split(":")
        return cls(channel, message)


class ReplyPlace:
    """The place of one turn's reply. Concurrent callers open the thread once."""

    def __init__(self, account: Account, turn: Turn) -> None:
        self._account = account
        self._turn = turn
        self._home = turn.conversation.thread or turn.conversation.channel
        # A question in a channel gives the conversation its key, because its thread gets the same id.
        self._root = next((row for row in turn.incoming if row.event == turn.conversation.key), None)
        self._channel = Posted.of(turn.parts[0].ref).channel if turn.parts else None
        self._opening = asyncio.Lock()

    async def channel(self) -> str:
        """The channel to write to. Raises `PlatformError`."""
        async with self._opening:
            if self._channel is None:
                self._channel = await self._find()
        return self._channel

    async def question(self) -> str | None:
        """The message to reply to: the newest question, if it is in the same channel as the reply.

        An answer given again in a channel has no question; it replies to the answer before it.
        """
        asked = [row for row in self._turn.incoming if not row.reply_to]
        if not asked:
            channel = await self.channel()
            before = await self._answered_before() if await self.is_shared() else []
            return max((one.message for one in before if one.channel == channel), key=int, default=None)
        stands_in = self._turn.conversation.channel if asked[-1] is self._root else self._home
        return asked[-1].event.partition(":")[2] if stands_in == await self.channel() else None

    async def is_shared(self) -> bool:
        """Return whether other conversations are answered in the same place: a channel of a server."""
        conversation = self._turn.conversation
        return conversation.workspace != DM and await self.channel() != conversation.thread

    async def is_fresh(self) -> bool:
        """Return whether the reply is in a thread that was opened for its question."""
        return self._root is not None and await self.channel() == self._turn.conversation.thread

    async def _find(self) -> str:
        if self._root and self._turn.conversation.thread:
            return await self._open()
        # A conversation whose thread could not be opened goes on in the channel.
        return next((one.channel for one in reversed(await self._answered_before())), self._home)

    async def _answered_before(self) -> list[Posted]:
        """The messages of the answer that is given again; none if this turn has a question."""
        return [] if self._turn.incoming else [Posted.of(part.ref) for part in await self._turn.earlier()]

    async def _open(self) -> str:
        channel, root = self._turn.conversation.channel, self._home
        name = thread_name((self._root and self._root.body) or self._turn.conversation.title or "")
        try:
            await self._account.open_thread(channel, root, name)
        except RefusedError as error:
            if error.retryable:
                raise
            # The first message of a forum post already stands in its thread, and a forum takes no answer itself.
            if error.code == HAS_THREAD or await self._account.has_channel(root):
                return root
            if error.code in {UNKNOWN_CHANNEL, UNKNOWN_MESSAGE}:
                raise
            log.warning("cannot open a thread, answering in the channel", error=str(error))
            return channel
        return root
