"""Shows one turn in a Slack thread: a sign of work at once, growth, the whole answer, nothing twice.

It grows as a native stream where Slack lets it, else as a message that is edited. Whatever a stream did not take is
put there by an edit, so that people have the whole answer either way.
"""

from collections.abc import Sequence

import structlog

from adapters.slack import render
from adapters.slack.flow import FEATURE, Flow
from adapters.slack.posted import FIRST, Posted
from adapters.slack.session import Session
from adapters.slack.workspace import Workspace
from bot.adapter import PlatformError, Turn
from bot.pacing import Pacing
from bot.segments import Segment, Snapshot

log = structlog.get_logger()


class SlackReply:
    """`Reply` in a thread. `pace` is the shortest time in seconds between two updates while it grows.

    With `streams` false it only ever edits.
    """

    def __init__(self, workspace: Workspace, turn: Turn, *, pace: float, streams: bool = True) -> None:
        self._workspace = workspace
        self._pacing = Pacing(self._grow, pace=pace, crowd=workspace.crowd)
        self._posted = Posted(workspace, turn)
        self._session = Session(workspace, turn)
        self._flow = Flow(workspace, turn, self._posted)
        # A reply that has messages already grows in them.
        self._streams = streams and not self._posted.any
        self._shown = ""

    async def find(self) -> None:
        try:
            await self._posted.look()
        except PlatformError as error:
            if error.retryable:
                raise
            # An app without the history scopes cannot look: one answer too many is better than none.
            log.warning("cannot look for an earlier reply", error=str(error))
        self._streams = self._streams and not self._posted.any

    async def show(self, snapshot: Snapshot) -> None:
        self._session.begin()
        self._pacing.show(snapshot)

    async def finish(self, segments: Sequence[Segment]) -> None:
        # What is on its way must land first, or it would land upon the final text.
        await self._pacing.end()
        if await self._flow.end(render.whole(segments)):
            self._session.ended()
            return
        texts = render.parts(segments)
        for number, text in enumerate(texts, FIRST):
            await self._posted.put(number, text, "final")
        await self._posted.remove_after(len(texts))

    async def leave(self, words: str) -> None:
        await self._pacing.end(within=1)
        farewell = render.status(words)
        if not await self._flow.leave(farewell):
            text = f"{self._shown}\n\n{farewell}" if self._shown else farewell
            await self._posted.put(FIRST, text[-render.LIMIT :], "growing")

    async def aclose(self) -> None:
        await self._pacing.aclose()
        await self._session.end()

    async def _grow(self, snapshot: Snapshot) -> bool:
        if await self._may_stream():
            return await self._flow.show(render.flowing(snapshot.segments))
        if (text := render.growing(snapshot)) == self._shown:
            return False
        await self._posted.put(FIRST, text, "growing")
        self._shown = text
        return True

    async def _may_stream(self) -> bool:
        """Whether the reply grows by streams: where nothing else says that we work, a message must."""
        if not self._streams or self._flow.is_broken or FEATURE in self._workspace.lacks:
            return False
        return self._flow.is_begun or await self._session.is_shown()
