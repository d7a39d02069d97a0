"""Records and streams one model response: text becomes a message, tool calls become a run step."""

import asyncio
from collections.abc import Iterable, Mapping

from assistants.contract import (
    Content,
    ImageFile,
    ImageFileContent,
    ImageFileDelta,
    LastError,
    Message,
    MessageDelta,
    MessageDeltaEvent,
    MessageEvent,
    MessagePiece,
    RunEvent,
    RunStep,
    RunStepDelta,
    RunStepDeltaEvent,
    RunStepEvent,
    StepPiece,
    StreamEvent,
    ToolCalls,
    ToolCallsDelta,
    Usage,
)
from assistants.service import lifecycle, making, store
from assistants.service.calls import Calls, is_ours, needs_outputs
from assistants.service.feed import Feed
from assistants.service.lifecycle import Ending
from assistants.service.parts import Part
from assistants.service.pieces import CallPiece, End, RefusalPiece, TextPiece
from assistants.service.rows import now
from assistants.service.store import Work, Written
from assistants.service.tools.code_calls import figures
from assistants.service.tools.server_tool import ServerTool
from storage.database import Database


class NotAtWork(Exception):
    """The run was cancelled or deleted in the meantime."""


class Answer:
    """One model response as it is written. `limit` is its maximum number of tokens."""

    def __init__(
        self,
        db: Database,
        feed: Feed,
        work: Work,
        *,
        tools: Mapping[str, ServerTool] | None = None,
        limit: int | None = None,
    ) -> None:
        self._db = db
        self._feed = feed
        self._run = work.run
        # After a restart a half-written message is rewritten in place.
        self._open = work.half
        self._shown = figures(work.steps)
        self._said: list[Part] = []
        # Messages completed before the calls; their rows are completed together with the calls.
        self._before: list[tuple[Message, RunStep]] = []
        self._step: RunStep | None = None
        self._tools = tools or {}
        self._calls = Calls(self._tools)
        self._usage: Usage | None = None
        self._left = limit
        self._opening: asyncio.Future[bool] | None = None

    @property
    def written(self) -> Written:
        content = {self._open[0].id: self._content} if self._open else {}
        return Written(content, self._before, self._calls_step(), self._usage)

    @property
    def _content(self) -> list[Content]:
        return [*self._pictures, *(part.content for part in self._said)]

    @property
    def _pictures(self) -> list[ImageFileContent]:
        return [ImageFileContent(image_file=ImageFile(file_id=id_)) for id_ in self._shown]

    def full(self) -> bool:
        """Return whether the token limit is reached; each piece counts as at least one token."""
        if self._left is None:
            return False
        self._left -= 1
        return self._left < 0

    async def say(self, piece: TextPiece | RefusalPiece) -> None:
        message, _ = self._open or self._begin_message()
        if self._opening is not None and self._opening.done():
            await self.settle()
            self._opening = None
        if not self._said:
            self._show(message)
        part = next((part for part in self._said if part.kind is type(piece)), None)
        if new := part is None:
            part = Part(len(self._shown) + len(self._said), type(piece))
            self._said.append(part)
        part.add(piece.text)
        if new:
            told = MessageDelta(id=message.id, delta=MessagePiece(content=[part.first(piece.text)]))
            self._feed.emit(MessageDeltaEvent("thread.message.delta", told))
        elif self._feed.read:
            self._feed.tell(part.told(message.id, piece.text))

    def _show(self, message: Message) -> None:
        """Begin the message with the figures that code drew before it."""
        for index, picture in enumerate(self._pictures):
            shown = ImageFileDelta(index=index, image_file=picture.image_file)
            told = MessageDelta(id=message.id, delta=MessagePiece(content=[shown]))
            self._feed.emit(MessageDeltaEvent("thread.message.delta", told))

    async def call(self, piece: CallPiece) -> None:
        step = self._step or await self._begin_calls()
        if (part := self._calls.add(piece)) is not None:
            delta = RunStepDelta(id=step.id, delta=StepPiece(step_details=ToolCallsDelta(tool_calls=[part])))
            self._feed.emit(RunStepDeltaEvent("thread.run.step.delta", delta))

    async def end(self, piece: End) -> Ending | RunStep | None:
        """Finish the response. Return the run's ending, a step with server-side calls, or None to wait for outputs."""
        if piece.prompt_tokens is not None and piece.completion_tokens is not None:
            self._usage = lifecycle.usage_of(
                piece.prompt_tokens, piece.completion_tokens, piece.cached_tokens, piece.reasoning_tokens
            )
        if piece.finish == "tool_calls":
            return await self._called()
        if piece.finish == "length":
            return Ending("incomplete")
        if piece.finish == "content_filter":
            sentence = "The endpoint's content filter stopped the answer; ask in other words."
            return Ending("failed", LastError(code="invalid_prompt", message=sentence), cut="content_filter")
        await self._say_the_rest()
        await self._annotate()
        return Ending("completed")

    async def _say_the_rest(self) -> None:
        for tool in self._tools.values():
            if more := await tool.unsaid(self._run, self._text):
                await self.say(TextPiece(more))
        if self._shown and not self._said:
            self._show((self._open or self._begin_message())[0])
        await self.settle()

    async def _annotate(self) -> None:
        """Annotate the parts of the text that refer to files."""
        part = next((part for part in self._said if part.kind is TextPiece), None)
        if self._open is None or part is None:
            return
        found = [a for tool in self._tools.values() for a in await tool.annotations(self._run, part.text)]
        part.annotations = found
        if found:
            told = MessageDelta(id=self._open[0].id, delta=MessagePiece(content=[part.marked()]))
            self._feed.emit(MessageDeltaEvent("thread.message.delta", told))

    @property
    def _text(self) -> str:
        return "".join(part.text for part in self._said if part.kind is TextPiece)

    def _begin_message(self) -> tuple[Message, RunStep]:
        message, step = making.answer(self._run)
        # The first words do not wait for the disk, but the end of the message does.
        self._opening = asyncio.ensure_future(self._db.write(store.open_answer, message, step))
        self._open = message, step
        self._feed.emit(*begun(step), *(MessageEvent(f"thread.message.{state}", message) for state in _BEGUN))
        return self._open

    async def opened(self) -> None:
        """Wait until the message's row is written or refused, so that the end of the run finds the row."""
        if self._opening is not None:
            await asyncio.wait([self._opening])

    async def settle(self) -> None:
        """Wait until everything streamed of a message is on disk. Raises `NotAtWork`."""
        if self._opening is not None and not await self._opening:
            raise NotAtWork

    async def _begin_calls(self) -> RunStep:
        await self._close_message()
        self._step = making.step(self._run, ToolCalls())
        self._feed.emit(*begun(self._step))
        return self._step

    def _calls_step(self) -> RunStep | None:
        if self._step is None:
            return None
        return self._step.model_copy(update={"step_details": self._calls.details(), "usage": self._usage})

    async def _called(self) -> RunStep | None:
        step = self._calls_step()
        assert step is not None  # noqa: S101 - an answer ends this way only after a call
        await self._close_message()  # some models go on writing after their calls
        if is_ours(step):
            if not await self._db.write(store.open_calls, self.written):
                raise NotAtWork
            self._step, self._before = None, []
            return step
        action = needs_outputs(step)
        assert action is not None  # noqa: S101 - calls that are not ours are the caller's
        run = await self._db.write(store.pause, step, action, written=self.written)
        if run is None:
            raise NotAtWork
        self._feed.emit(RunEvent("thread.run.requires_action", run))
        return None

    async def _close_message(self) -> None:
        """End the message that preceded the calls."""
        if self._open is None:
            return
        await self.settle()
        await self._annotate()
        ending, time = Ending("completed"), now()
        message = lifecycle.end_message(self._open[0], self._content, ending, time)
        step = lifecycle.end_step(self._open[1], ending, time)
        self._before.append((message, step))
        self._open, self._said, self._shown = None, [], []
        if message.content:
            self._feed.emit(*closed([(message, step)]))


_BEGUN = ("created", "in_progress")


def begun(step: RunStep) -> list[StreamEvent]:
    """Return the events of a step that begins."""
    return [RunStepEvent(f"thread.run.step.{state}", step) for state in _BEGUN]


def closed(pairs: Iterable[tuple[Message | None, RunStep]]) -> list[StreamEvent]:
    """Return the events of steps that ended and of the messages they wrote."""
    events: list[StreamEvent] = []
    for message, step in pairs:
        if message is not None:
            events.append(MessageEvent(f"thread.message.{message.status}", message))
        events.append(RunStepEvent(f"thread.run.step.{step.status}", step))
    return events
