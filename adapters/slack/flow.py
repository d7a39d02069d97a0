"""Shows a growing reply in native streams; when one is full or old, the next one continues.

A stream never contains a link, because Slack would show a preview of it: only posts can turn previews off, and edits
never show any. So a stream ends before the first link, and edits continue from there.
"""

from collections.abc import Sequence

import structlog

from adapters.slack.errors import RefusedError, UncertainError
from adapters.slack.posted import FIRST, Posted
from adapters.slack.stream import Stream, is_over
from adapters.slack.workspace import Workspace
from bot.adapter import Turn
from bot.segments import Step
from bot.words.links import has_address

FEATURE = "streams"
STOPPED = "stopped_by_user"

log = structlog.get_logger()


class Flow:
    """The streams of one reply, one per part. A stream can only be appended to, never changed.

    `is_over` is true once Slack has refused something or a link must be shown; the rest is then shown by edits.
    """

    def __init__(self, workspace: Workspace, turn: Turn, posted: Posted) -> None:
        self.is_over = False
        self._workspace = workspace
        self._turn = turn
        self._posted = posted
        # Whether Slack has reset the session status at the end of the last stream.
        self.has_reset_status = False
        self._closed: list[str] = []
        self._stream: Stream | None = None

    @property
    def is_begun(self) -> bool:
        return bool(self._closed) or self._stream is not None

    @property
    def may_show(self) -> bool:
        """Whether a stream is open, or may be opened now."""
        return self.is_begun or self._workspace.starts.left > 0

    @property
    def shown(self) -> list[str]:
        """The parts as people see them now."""
        return [*self._closed, self._stream.shown] if self._stream else self._closed

    @property
    def is_old(self) -> bool:
        """Whether the text should continue in another message, because Slack ends a stream after some minutes."""
        return self._stream is not None and self._stream.is_old

    def takes(self, texts: Sequence[str]) -> bool:
        """Return whether these parts may be shown by streams."""
        return not any(map(has_address, texts[len(self._closed) :]))

    async def show(self, texts: Sequence[str], steps: Sequence[Step] = ()) -> bool:
        """Show these parts, which continue what is shown, and steps. Return whether anything is new."""
        texts = texts or ([""] if steps else [])
        if self.is_over or not self._goes_on(texts):
            return False
        try:
            return await self._grow(texts, steps)
        except RefusedError as error:
            self._refused(error)
            return True
        except UncertainError:
            self.is_over = True
            raise

    async def end(self, texts: Sequence[str]) -> bool:
        """Complete the reply with these parts; return False if streams cannot do it."""
        texts = texts or [""]
        if self.is_over or not self.is_begun or not self._goes_on(texts):
            return False
        if not self.takes(texts[: self._number]):
            await self.give_up()
            return False
        try:
            if self._stream is not None:
                await self._close(self._stream, texts[len(self._closed)])
        except RefusedError as error:
            self._refused(error)
            return False
        for number, text in enumerate(texts[len(self._closed) :], self._number):
            await self._posted.put(number, text, "final")
        return True

    async def give_up(self) -> None:
        """End the stream while the work continues; edits show the rest."""
        if self._stream is None or self.is_over:
            self.is_over = True
            return
        self.is_over = True
        try:
            await self._stream.stop("", self._posted.metadata(self._number), at_work=True)
        except RefusedError as error:
            self._refused(error)
            if not is_over(error):
                return  # the next edit ends the stream first
        await self._posted.keep(self._number, self._stream.ts, "growing")

    async def leave(self, words: str) -> bool:
        """Append a note and end the stream; return False if none is open."""
        if self._stream is None or self.is_over:
            return False
        await self._stream.stop(f"\n\n{words}", self._posted.metadata(self._number))
        return True

    def _refused(self, error: RefusedError) -> None:
        self.is_over = True
        if error.code == STOPPED:
            log.info("the stream ended: somebody pressed Stop")
            return
        self._workspace.learn(error, FEATURE)
        log.info("native stream refused", error=str(error))

    @property
    def _number(self) -> int:
        """The number of the growing part."""
        return FIRST + len(self._closed)

    def _goes_on(self, texts: Sequence[str]) -> bool:
        """Return whether the parts continue what is shown."""
        return len(texts) >= len(self.shown) and all(map(str.startswith, texts, self.shown))

    async def _grow(self, texts: Sequence[str], steps: Sequence[Step]) -> bool:
        while True:
            text = texts[len(self._closed)] if len(texts) > len(self._closed) else ""
            if self._stream is None and not await self._start(text, steps):
                return False
            stream = self._stream
            if stream is None or len(texts) == self._number:
                break
            await self._close(stream, text, at_work=True)
        if stream is not None:
            await stream.append(text[len(stream.shown) :], steps)
        return True

    async def _start(self, text: str, steps: Sequence[Step]) -> bool:
        """Open a stream if there is something to show and the rate limit for new streams allows it."""
        if not (text.strip() or steps) or not self._workspace.starts.take():
            return False
        with self._posted.on_its_way():
            self._stream = await Stream.start(self._workspace, self._turn, text, steps)
        await self._posted.keep(self._number, self._stream.ts, "streaming")
        return True

    async def _close(self, stream: Stream, text: str, *, at_work: bool = False) -> None:
        await stream.stop(text[len(stream.shown) :], self._posted.metadata(self._number), at_work=at_work)
        self.has_reset_status = not at_work
        await self._posted.keep(self._number, stream.ts, "final")
        self._closed.append(stream.shown)
        self._stream = None
