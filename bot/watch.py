"""Who watches a conversation on this machine's own surfaces (page, terminal), and the reply they share."""

import asyncio
import weakref
from collections.abc import AsyncIterator, Sequence

from bot.adapter import Turn
from bot.segments import Segment, Snapshot
from bot.views import Moment


class Hub:
    """Moments fanned out by conversation key. A slow watcher gets the newest snapshot, not every one."""

    def __init__(self) -> None:
        # A watcher may leave before it has heard anything; its mailbox goes with it, whatever way it left.
        self._watchers: dict[str, weakref.WeakSet[_Mailbox]] = {}
        self._unsettled: dict[str, Moment] = {}

    def tell(self, key: str, moment: Moment) -> None:
        if moment.kind in ("snapshot", "finished"):
            self._unsettled[key] = moment
        for mailbox in list(self._watchers.get(key, ())):
            mailbox.put(moment)

    def settled(self, key: str) -> None:
        """What was told last of a conversation's reply is in the tables by now, or will be told anew."""
        self._unsettled.pop(key, None)

    def watch(self, key: str) -> AsyncIterator[Moment]:
        """Moments from this call on, beginning with the reply that is growing now, or ended and is not recorded yet."""
        mailbox = _Mailbox()
        if unsettled := self._unsettled.get(key):
            mailbox.put(unsettled)
        weakref.finalize(mailbox, self._left, key)  # before the set knows it: the last told is told first
        self._watchers.setdefault(key, weakref.WeakSet()).add(mailbox)
        return mailbox.moments()

    def close(self) -> None:
        """End every watcher's iteration."""
        for mailboxes in self._watchers.values():
            for mailbox in list(mailboxes):
                mailbox.end()

    def _left(self, key: str) -> None:
        if not self._watchers.get(key):
            self._watchers.pop(key, None)


class _Mailbox:
    """What one watcher has not read yet: at most one snapshot a turn."""

    def __init__(self) -> None:
        self._waiting: list[Moment | None] = []
        self._ready = asyncio.Event()

    def put(self, moment: Moment) -> None:
        last = self._waiting[-1] if self._waiting else None
        if last is not None and last.kind == moment.kind == "snapshot" and last.turn == moment.turn:
            self._waiting[-1] = moment
        else:
            self._waiting.append(moment)
        self._ready.set()

    def end(self) -> None:
        self._waiting.append(None)
        self._ready.set()

    async def moments(self) -> AsyncIterator[Moment]:
        while (moment := await self._next()) is not None:
            yield moment

    async def _next(self) -> Moment | None:
        while not self._waiting:
            self._ready.clear()
            await self._ready.wait()
        return self._waiting.pop(0)


class HubReply:
    """A reply shown to those who watch. It posts nothing anywhere: the thread and the turn are what lasts."""

    def __init__(self, hub: Hub, turn: Turn) -> None:
        self._hub = hub
        self._turn = turn
        self._shown: tuple[Segment, ...] = ()

    async def find(self) -> None:
        """Nothing outlives the process that showed it."""

    async def show(self, snapshot: Snapshot) -> None:
        self._shown = snapshot.segments
        self._tell(
            Moment("snapshot", self._turn.id, snapshot.segments, snapshot.status, assistant=self._turn.assistant)
        )

    async def finish(self, segments: Sequence[Segment]) -> None:
        self._tell(Moment("finished", self._turn.id, tuple(segments), assistant=self._turn.assistant))

    async def leave(self, words: str) -> None:
        self._tell(Moment("snapshot", self._turn.id, self._shown, words, assistant=self._turn.assistant))

    async def aclose(self) -> None:
        """Nothing is under way, and what was shown is recorded, or the next try shows it again."""
        self._hub.settled(self._turn.conversation.key)

    def _tell(self, moment: Moment) -> None:
        self._hub.tell(self._turn.conversation.key, moment)
