"""Shows the reply of one turn in a Slack thread.

The reply grows in a native stream where Slack allows it, up to the first link; otherwise by edits. An edit also adds
whatever a stream did not take, so that people get the whole answer either way.
"""

from collections.abc import Sequence
from dataclasses import replace

import structlog

from adapters.slack import render
from adapters.slack.before import before
from adapters.slack.errors import RefusedError
from adapters.slack.files import Files
from adapters.slack.flow import FEATURE, Flow
from adapters.slack.posted import FIRST, Posted
from adapters.slack.session import Session
from adapters.slack.workspace import Workspace
from bot.adapter import PartState, PlatformError, Turn
from bot.incoming import Attached
from bot.pacing import Pacing
from bot.segments import Segment, Snapshot, Step
from bot.words.asking import Before
from bot.words.letter import Sent

log = structlog.get_logger()


class SlackReply:
    """`Reply` in a thread. `pace` is the shortest time in seconds between two updates while it grows.

    With `streams` false it grows by edits only.
    """

    def __init__(self, workspace: Workspace, turn: Turn, *, pace: float, streams: bool = True) -> None:
        self._workspace = workspace
        self._turn = turn
        self._pacing = Pacing(self._grow, pace=pace, crowd=workspace.crowd)
        self._posted = Posted(workspace, turn)
        self._session = Session(workspace, turn)
        self._flow = Flow(workspace, turn, self._posted)
        self._files = Files(workspace, turn, self._posted)
        # A reply that already has messages continues in them.
        self._streams = streams and not self._posted.any
        self._letter = render.letter()
        self._growing = render.letter(streams=True)
        self._shown: list[str] = []

    async def find(self) -> None:
        try:
            await self._posted.look()
        except PlatformError as error:
            if error.retryable:
                raise
            # Without the history scopes the app cannot look. A duplicate answer is better than none.
            log.warning("cannot look for an earlier reply", error=str(error))
        self._streams = self._streams and not self._posted.any

    async def show(self, snapshot: Snapshot) -> None:
        self._session.begin()
        self._pacing.show(snapshot)

    async def finish(self, segments: Sequence[Segment]) -> None:
        # An update in progress must finish first, or it would overwrite the final text.
        await self._pacing.end()
        self._session.ending()
        sent = self._finished(segments)
        last = len(sent.texts)
        if not await self._flow.end(sent.texts):
            await self._put_all(sent.texts, "final")
        elif self._flow.has_reset_status:
            self._session.ended()
        if sent.files:
            last += await self._put_files(sent)
        await self._posted.remove_after(last)

    async def fetch(self, file: Attached, most: int) -> bytes:
        return await self._workspace.download(file.address, most)

    async def said_before(self) -> Before | None:
        """The messages in the thread before the question that first mentioned the bot."""
        return await before(self._workspace, self._turn)

    async def leave(self, words: str) -> None:
        await self._pacing.end(within=1)
        if self._posted.is_uncertain:
            return  # a message may be on its way, and would then be posted twice
        farewell = render.status(words)
        if not await self._flow.leave(farewell):
            shown = self._shown or self._flow.shown
            if not shown and self._posted.any:
                # People see what an earlier attempt wrote.
                await self._posted.end_streams(farewell)
                return
            *_, text = shown or [""]
            number = FIRST + max(0, len(shown) - 1)
            await self._posted.put(number, f"{text}\n\n{farewell}" if text else farewell, "growing")

    async def aclose(self) -> None:
        await self._pacing.aclose()
        await self._session.end()

    def _finished(self, segments: Sequence[Segment]) -> Sent:
        """The finished reply, split as it was while it grew."""
        sent = (self._growing if self._flow.is_begun else self._letter).whole(segments)
        return sent if sent.texts or sent.files else replace(sent, texts=[render.NOTHING])

    async def _put_files(self, sent: Sent) -> int:
        """Send the files after the text, or a note if they are refused; return how many messages the note takes."""
        try:
            await self._files.send(sent.files, sent.note)
        except RefusedError as error:
            if error.retryable:
                raise
            log.warning("files not sent", error=str(error))
            for number, text in enumerate(sent.instead, FIRST + len(sent.texts)):
                await self._posted.put(number, text, "final")
            return len(sent.instead)
        return 0

    async def _grow(self, snapshot: Snapshot) -> bool:
        if await self._may_stream():
            if not self._flow.may_show:
                return False
            if self._flow.is_old:
                self._growing.turn()
            steps = [segment for segment in snapshot.segments if isinstance(segment, Step)]
            texts = self._growing.growing(snapshot.segments)
            if self._flow.takes(texts):
                return await self._stream(texts, steps)
            await self._flow.give_up()
        # Text shown in a stream keeps its split into parts.
        letter = self._growing if self._flow.is_begun else self._letter
        texts = letter.growing(snapshot.segments, edited=True) or [render.status(snapshot.status or "…")]
        if texts == self._shown:
            return False
        await self._put_all(texts, "growing")
        return True

    async def _stream(self, texts: Sequence[str], steps: Sequence[Step]) -> bool:
        """Show the parts and steps in a stream. Return whether anything is new."""
        try:
            return await self._flow.show(texts, steps)
        finally:
            if self._flow.is_begun or self._posted.is_uncertain:
                self._session.begun()

    async def _put_all(self, texts: Sequence[str], state: PartState) -> None:
        """Show the parts that are new or have changed."""
        for number, text in enumerate(texts, FIRST):
            if state == "final" or self._shown[number - FIRST : number] != [text]:
                await self._posted.put(number, text, state)
        self._shown = list(texts)

    async def _may_stream(self) -> bool:
        """Return whether the reply grows by streams. Without an agent session, a message must show that work began."""
        if not self._streams or self._flow.is_over or FEATURE in self._workspace.lacks:
            return False
        return self._flow.is_begun or await self._session.is_shown()
