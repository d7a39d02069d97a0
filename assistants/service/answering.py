"""Writes down and tells what a model says in one go: text into a message, calls into a step the run then waits on."""

import asyncio
from collections.abc import Iterable

from pydantic_core import to_json

from assistants.contract import (
    CalledFunction,
    CalledFunctionDelta,
    Content,
    ContentDelta,
    FunctionCall,
    FunctionCallDelta,
    LastError,
    Message,
    MessageDelta,
    MessageDeltaEvent,
    MessageEvent,
    MessagePiece,
    RefusalContent,
    RefusalDelta,
    RequestedCall,
    RequestedCalls,
    RequestedFunction,
    RequiredAction,
    RunEvent,
    RunStep,
    RunStepDelta,
    RunStepDeltaEvent,
    RunStepEvent,
    StepPiece,
    StreamEvent,
    TextContent,
    TextDelta,
    TextValue,
    TextValueDelta,
    ToolCalls,
    ToolCallsDelta,
    Usage,
)
from assistants.service import lifecycle, making, store
from assistants.service.feed import Feed
from assistants.service.lifecycle import Ending
from assistants.service.pieces import CallPiece, End, RefusalPiece, TextPiece
from assistants.service.rows import now
from assistants.service.store import Work, Written
from storage.database import Database


class NotAtWork(Exception):  # noqa: N818 - reads as what it tells
    """The run was cancelled or deleted meanwhile."""


class Answer:
    """What a run writes between two waits for somebody else. `limit` is how many tokens it may have."""

    def __init__(self, db: Database, feed: Feed, work: Work, *, limit: int | None = None) -> None:
        self._db = db
        self._feed = feed
        self._run = work.run
        # A message that a restart found half-written is written afresh, in its place.
        self._open = work.half
        self._said: list[Part] = []
        self._step: RunStep | None = None
        self._calls: list[FunctionCall] = []
        self._usage: Usage | None = None
        self._left = limit
        self._opening: asyncio.Task[bool] | None = None

    @property
    def written(self) -> Written:
        content = {self._open[0].id: self._content} if self._open else {}
        return Written(content, self._calls_step(), self._usage)

    @property
    def _content(self) -> list[Content]:
        return [part.content for part in self._said]

    def full(self) -> bool:
        """Whether the answer has all the tokens it may have; a piece is one token at least."""
        if self._left is None:
            return False
        self._left -= 1
        return self._left < 0

    async def say(self, piece: TextPiece | RefusalPiece) -> None:
        message, _ = self._open or self._begin_message()
        if self._opening is not None and self._opening.done():
            await self.settle()
            self._opening = None
        part = next((part for part in self._said if part.kind is type(piece)), None)
        if new := part is None:
            part = Part(len(self._said), type(piece))
            self._said.append(part)
        part.add(piece.text)
        if new:
            told = MessageDelta(id=message.id, delta=MessagePiece(content=[part.first(piece.text)]))
            self._feed.emit(MessageDeltaEvent("thread.message.delta", told))
        elif self._feed.read:
            self._feed.tell(part.told(message.id, piece.text))

    async def call(self, piece: CallPiece) -> None:
        step = self._step or await self._begin_calls()
        if piece.index == len(self._calls):
            function = CalledFunction(name=piece.name or "", arguments=piece.arguments)
            self._calls.append(FunctionCall(id=piece.id or "", function=function))
            more = CalledFunctionDelta(name=piece.name, arguments=piece.arguments, output=None)
            part = FunctionCallDelta(index=piece.index, id=piece.id, function=more)
        else:
            self._calls[piece.index].function.arguments += piece.arguments
            part = FunctionCallDelta(index=piece.index, function=CalledFunctionDelta(arguments=piece.arguments))
        delta = RunStepDelta(id=step.id, delta=StepPiece(step_details=ToolCallsDelta(tool_calls=[part])))
        self._feed.emit(RunStepDeltaEvent("thread.run.step.delta", delta))

    async def end(self, piece: End) -> Ending | None:
        """The end the run comes to now; None when it waits for the outputs of its calls."""
        if piece.prompt_tokens is not None and piece.completion_tokens is not None:
            self._usage = lifecycle.usage_of(
                piece.prompt_tokens, piece.completion_tokens, piece.cached_tokens, piece.reasoning_tokens
            )
        if piece.finish == "tool_calls":
            await self._pause()
            return None
        if piece.finish == "length":
            return Ending("incomplete")
        if piece.finish == "content_filter":
            sentence = "The endpoint's content filter stopped the answer; ask in other words."
            return Ending("failed", LastError(code="invalid_prompt", message=sentence), cut="content_filter")
        return Ending("completed")

    def _begin_message(self) -> tuple[Message, RunStep]:
        message, step = making.answer(self._run)
        # The first words do not wait for the disk; whatever ends the message does.
        self._opening = asyncio.create_task(self._db.write(store.open_answer, message, step))
        self._open = message, step
        self._feed.emit(*begun(step), *(MessageEvent(f"thread.message.{state}", message) for state in _BEGUN))
        return self._open

    async def opened(self) -> None:
        """Return once it is known whether the message has its row; an end that was written before would not find it."""
        if self._opening is not None:
            await asyncio.wait([self._opening])

    async def settle(self) -> None:
        """Return once everything that was told of a message is on the disk. Raises `NotAtWork`."""
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
        return self._step.model_copy(
            update={"step_details": ToolCalls(tool_calls=[*self._calls]), "usage": self._usage}
        )

    async def _pause(self) -> None:
        step = self._calls_step()
        assert step is not None  # noqa: S101 - the endpoint's reader says so only after a call
        functions = [
            (c.id, RequestedFunction(name=c.function.name, arguments=c.function.arguments)) for c in self._calls
        ]
        calls = [RequestedCall(id=id_, function=function) for id_, function in functions]
        action = RequiredAction(submit_tool_outputs=RequestedCalls(tool_calls=calls))
        await self._close_message()  # of a model that speaks on after its calls
        run = await self._db.write(store.pause, step, action)
        if run is None:
            raise NotAtWork
        self._feed.emit(RunEvent("thread.run.requires_action", run))

    async def _close_message(self) -> None:
        """End what was said before the calls."""
        if self._open is None:
            return
        await self.settle()
        ending, time = Ending("completed"), now()
        message = lifecycle.end_message(self._open[0], self._content, ending, time)
        step = lifecycle.end_step(self._open[1], ending, time)
        if not await self._db.write(store.close_answer, message, step):
            raise NotAtWork
        self._open, self._said = None, []
        if message.content:
            self._feed.emit(*closed([(message, step)]))


class Part:
    """A part of a message's content as it grows."""

    def __init__(self, index: int, kind: type[TextPiece | RefusalPiece]) -> None:
        self.index = index
        self.kind = kind
        self._pieces: list[str] = []

    def add(self, text: str) -> None:
        self._pieces.append(text)

    def first(self, text: str) -> ContentDelta:
        """What is told of the first piece."""
        if self.kind is RefusalPiece:
            return RefusalDelta(index=self.index, refusal=text)
        return TextDelta(index=self.index, text=TextValueDelta(value=text, annotations=[]))

    def told(self, message_id: str, text: str) -> str:
        """A later piece as server-sent text: what its event would say, written by hand, since most events are these."""
        said = to_json(text).decode()
        if self.kind is RefusalPiece:
            inner = f'"type":"refusal","refusal":{said}'
        else:
            inner = f'"type":"text","text":{{"value":{said}}}'
        return (
            f'event: thread.message.delta\ndata: {{"id":"{message_id}","object":"thread.message.delta",'
            f'"delta":{{"content":[{{"index":{self.index},{inner}}}]}}}}\n\n'
        )

    @property
    def content(self) -> Content:
        text = "".join(self._pieces)
        return RefusalContent(refusal=text) if self.kind is RefusalPiece else TextContent(text=TextValue(value=text))


_BEGUN = ("created", "in_progress")


def begun(step: RunStep) -> list[StreamEvent]:
    """What is told of a step that begins."""
    return [RunStepEvent(f"thread.run.step.{state}", step) for state in _BEGUN]


def closed(pairs: Iterable[tuple[Message | None, RunStep]]) -> list[StreamEvent]:
    """What is told of steps that ended, and of the messages they wrote."""
    events: list[StreamEvent] = []
    for message, step in pairs:
        if message is not None:
            events.append(MessageEvent(f"thread.message.{message.status}", message))
        events.append(RunStepEvent(f"thread.run.step.{step.status}", step))
    return events
