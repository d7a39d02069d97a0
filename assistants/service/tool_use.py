"""Runs the server-side calls of a step, streams their results, and ends the step or waits for functions."""

from collections.abc import Callable, Mapping

from assistants.contract import (
    Run,
    RunEvent,
    RunStep,
    RunStepDelta,
    RunStepDeltaEvent,
    RunStepEvent,
    StepPiece,
    ToolCall,
    ToolCalls,
    ToolCallsDelta,
)
from assistants.service import store
from assistants.service.answering import NotAtWork
from assistants.service.calls import calls_of, needs_outputs
from assistants.service.feed import Feed
from assistants.service.tools.server_tool import ServerTool
from assistants.service.tools.telling import news
from storage.database import Database, Transaction


class Using:
    """The calls of one stored step."""

    def __init__(self, db: Database, feed: Feed, run: Run, step: RunStep, tools: Mapping[str, ServerTool]) -> None:
        self._db = db
        self._feed = feed
        self._run = run
        self._step = step
        self._tools = tools

    async def use(self) -> bool:
        """Run the calls in order. Return False if the run now waits for functions. Raises `NotAtWork`."""
        calls = list(calls_of(self._step))
        keeps: list[Callable[[Transaction], None]] = []
        for index, call in enumerate(calls):
            if (tool := self._tools.get(call.type)) is None:
                continue
            used = await tool.use(self._run, call, calls[:index])
            calls[index] = used.call
            keeps += [used.keep] if used.keep else []
            self._tell(index, call, used.call)
        step = self._step.model_copy(update={"step_details": ToolCalls(tool_calls=calls)})
        return await self._end(step, keeps)

    def _tell(self, index: int, before: ToolCall, after: ToolCall) -> None:
        if (told := news(index, before, after)) is not None:
            piece = StepPiece(step_details=ToolCallsDelta(tool_calls=[told]))
            delta = RunStepDelta(id=self._step.id, delta=piece)
            self._feed.emit(RunStepDeltaEvent("thread.run.step.delta", delta))

    async def _end(self, step: RunStep, keeps: list[Callable[[Transaction], None]]) -> bool:
        if action := needs_outputs(step):
            run = await self._db.write(store.pause, step, action, keeps)
            if run is None:
                raise NotAtWork
            self._feed.emit(RunEvent("thread.run.requires_action", run))
            return False
        ended = await self._db.write(store.close_calls, step, keeps)
        if ended is None:
            raise NotAtWork
        self._feed.emit(RunStepEvent("thread.run.step.completed", ended))
        return True
