"""Who watches a conversation on this machine's own surfaces (page, terminal), and the reply they share."""

import asyncio
from collections.abc import AsyncIterator, Sequence

from bot.adapter import Turn
from bot.segments import Segment, Snapshot
from bot.views import Moment


class Hub:
    """Moments fanned out by conversation key. A slow watcher gets the newest snapshot, not every one."""

    def __init__(self) -> None:
        self._watchers: dict[str, list[_Mailbox]] = {}
        self._growing: dict[str, Moment] = {}

    def tell(self, key: str, moment: Moment) -> None:
        if moment.kind == "snapshot":
            self._growing[key] = moment
        elif moment.kind == "finished":
            self._growing.pop(key, None)
        for mailbox in self._watchers.get(key, ()):
            mailbox.put(moment)

    def watch(self, key: str) -> AsyncIterator[Moment]:
        """Moments from this call on, beginning with the reply that is growing now."""
        mailbox = _Mailbox()
        if growing := self._growing.get(key):
            mailbox.put(growing)
        self._watchers.setdefault(key, []).append(mailbox)
        return self._moments(key, mailbox)

    def close(self) -> None:
        """End every watcher's iteration."""
        for mailboxes in self._watchers.values():
            for mailbox in mailboxes:
                mailbox.end()

    async def _moments(self, key: str, mailbox: "_Mailbox") -> AsyncIterator[Moment]:
        try:
            while (moment := await mailbox.get()) is not None:
                yield moment
        finally:
            watchers = self._watchers[key]
            watchers.remove(mailbox)
            if not watchers:
                del self._watchers[key]


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

    async def get(self) -> Moment | None:
        while not self._waiting:
            self._ready.clear()
            await self._ready.wait()
        return self._waiting.pop(0)


class HubReply:
    """A reply shown to those who watch. It posts nothing anywhere: the thread and the turn are what lasts."""

    def __init__(self, hub: Hub, turn: Turn) -> None:
        self._hub = hub
        self._turn = turn

    async def find(self) -> None:
        """Nothing outlives the process that showed it."""

    async def show(self, snapshot: Snapshot) -> None:
        self._tell(
            Moment("snapshot", self._turn.id, snapshot.segments, snapshot.status, assistant=self._turn.assistant)
        )

    async def finish(self, segments: Sequence[Segment]) -> None:
        self._tell(Moment("finished", self._turn.id, tuple(segments), assistant=self._turn.assistant))

    async def aclose(self) -> None:
        """Nothing is under way."""

    def _tell(self, moment: Moment) -> None:
        self._hub.tell(self._turn.conversation.key, moment)
