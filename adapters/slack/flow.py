"""A text that only grows, shown in native streams: where one is full or old, the next one goes on."""

import structlog

from adapters.slack.errors import RefusedError, UncertainError
from adapters.slack.posted import FIRST, Posted
from adapters.slack.render import LIMIT
from adapters.slack.stream import Stream, fits
from adapters.slack.workspace import Workspace
from bot.adapter import Turn
from bot.words.split import split

FEATURE = "streams"

log = structlog.get_logger()


class Flow:
    """The streams of one reply. What people have read stays: a later message only ever adds to it.

    `is_broken` once Slack refused something: nothing grows any more, and the end is for edits to bring.
    """

    def __init__(self, workspace: Workspace, turn: Turn, posted: Posted) -> None:
        self.is_broken = False
        self._workspace = workspace
        self._turn = turn
        self._posted = posted
        self._closed: list[str] = []
        self._stream: Stream | None = None

    @property
    def is_begun(self) -> bool:
        return bool(self._closed) or self._stream is not None

    async def show(self, text: str) -> bool:
        """Let people see this text, which begins with what they see already; whether anything of it is new."""
        if self.is_broken or (rest := self._rest(text)) is None:
            return False
        try:
            return await self._grow(rest)
        except RefusedError as error:
            self.is_broken = True
            self._workspace.learn(error, FEATURE)
            log.info("native stream refused", error=str(error))
            return True
        except UncertainError:
            self.is_broken = True
            if self._stream is None:
                self._posted.lost()
            raise

    async def end(self, text: str) -> bool:
        """The whole text, with what people see as its beginning; False where that cannot be done by streams."""
        rest = self._rest(text)
        if self.is_broken or not self.is_begun or rest is None:
            return False
        try:
            rest = await self._last_words(rest)
        except RefusedError as error:
            self.is_broken = True
            log.info("native stream refused", error=str(error))
            return False
        for number, part in enumerate(split(rest, LIMIT), self._number):
            if part.strip():
                await self._posted.put(number, part, "final")
        return True

    async def leave(self, words: str) -> bool:
        """Say something under what is shown and end the stream; False where none is open."""
        if self._stream is None:
            return False
        await self._stream.stop(f"\n\n{words}", self._posted.metadata(self._number))
        return True

    @property
    def _number(self) -> int:
        """The number of the part that grows now."""
        return FIRST + len(self._closed)

    def _rest(self, text: str) -> str | None:
        """What stands in the message that grows now; None where the text is not the one that people read."""
        begun = "".join(self._closed)
        seen = begun + (self._stream.shown if self._stream else "")
        return text[len(begun) :] if text.startswith(seen) else None

    async def _grow(self, rest: str) -> bool:
        if self._stream is not None and (self._stream.is_old or fits(rest) < len(rest)):
            rest = await self._roll_over(self._stream, rest)
        if self._stream is None:
            return await self._start(rest)
        if more := rest[len(self._stream.shown) :]:
            await self._stream.append(more)
        return bool(more)

    async def _start(self, rest: str) -> bool:
        """Open a stream, where there is something to show and the workspace may start one more in this minute."""
        if not rest.strip() or not self._workspace.starts.take():
            return False
        self._stream = await Stream.start(self._workspace, self._turn, split(rest, fits(rest))[0])
        await self._posted.keep(self._number, self._stream.ts, "streaming")
        return True

    async def _roll_over(self, full: Stream, rest: str) -> str:
        """End a stream where a paragraph, a line or a word ends; what is left for the next one."""
        room = fits(rest) - len(full.shown)
        more = split(rest[len(full.shown) :], room)[0] if room > 0 and not full.is_old else ""
        await self._close(full, more, at_work=True)
        return rest[len(full.shown) :]

    async def _last_words(self, rest: str) -> str:
        """End the stream with what it can hold of them; what is left for messages of their own."""
        if self._stream is None:
            return rest
        stream = self._stream
        if fits(rest) < len(rest):
            return await self._roll_over(stream, rest)
        await self._close(stream, rest[len(stream.shown) :])
        return ""

    async def _close(self, stream: Stream, more: str, *, at_work: bool = False) -> None:
        await stream.stop(more, self._posted.metadata(self._number), at_work=at_work)
        await self._posted.keep(self._number, stream.ts, "final")
        self._closed.append(stream.shown)
        self._stream = None
