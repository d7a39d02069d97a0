"""Live updates of conversations for surfaces in this process (page, terminal), and the reply that feeds them."""

import asyncio
import weakref
from collections.abc import AsyncIterator, Sequence

from bot.adapter import Turn
from bot.segments import Segment, Snapshot
from bot.views import Moment


class Hub:
    """Distributes moments to the watchers of a conversation. A slow watcher gets only the newest snapshot."""

    def __init__(self) -> None:
        # Weak references, so that the mailbox of a watcher that leaves is dropped, however it leaves.
        self._watchers: dict[str, weakref.WeakSet[_Mailbox]] = {}
        self._unsettled: dict[str, Moment] = {}

    def tell(self, key: str, moment: Moment) -> None:
        if moment.kind in ("snapshot", "finished"):
            self._unsettled[key] = moment
        for mailbox in list(self._watchers.get(key, ())):
            mailbox.put(moment)

    def settled(self, key: str) -> None:
        """Forget the last moment of a conversation's reply: it is recorded, or the next attempt shows it again."""
        self._unsettled.pop(key, None)

    def watch(self, key: str) -> AsyncIterator[Moment]:
        """Yield moments from this call on, beginning with a reply that is in progress or not recorded yet."""
        mailbox = _Mailbox()
        if unsettled := self._unsettled.get(key):
            mailbox.put(unsettled)
        weakref.finalize(mailbox, self._left, key)  # before the set registers its own callback: the last one runs first
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
    """The moments that one watcher has not read yet: at most one snapshot per turn."""

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
    """A reply shown to watchers. It posts nothing; the thread and the turn keep the answer."""

    def __init__(self, hub: Hub, turn: Turn) -> None:
        self._hub = hub
        self._turn = turn
        self._shown: tuple[Segment, ...] = ()

    async def find(self) -> None:
        """Nothing to find: what was shown ended with the process that showed it."""

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
        """Forget what was shown: it is recorded, or the next attempt shows it again."""
        self._hub.settled(self._turn.conversation.key)

    def _tell(self, moment: Moment) -> None:
        self._hub.tell(self._turn.conversation.key, moment)
