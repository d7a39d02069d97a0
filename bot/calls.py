"""Runs the function calls of a turn: records each one, checks that it may run, runs them concurrently."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

import structlog

from assistants.connector import FunctionFailedError
from assistants.contract import RequestedCall, Run, ToolOutput
from bot.functions import Functions
from bot.segments import Step
from storage import calls
from storage.calls import Call
from storage.database import Database
from storage.records import TurnRow

POLICY = "policy"
REFUSED = (
    "{name} was not run: only read-only functions may run here, and this one may change something. "
    "Tell the person that it was not done."
)
LOST = (
    "The program restarted while {name} was running. Whether it completed is unknown, and it was not called again. "
    "Tell the person so."
)

Shows = Callable[[Step], Awaitable[None]]

log = structlog.get_logger()


class Calls:
    """Answers the function calls that the runs of one turn ask for."""

    def __init__(self, db: Database, turn: TurnRow, functions: Functions) -> None:
        self._db = db
        self._turn = turn
        self._functions = functions

    async def outputs(self, run: Run, shows: Shows) -> list[ToolOutput]:
        """The outputs of all calls that a run waits for; a failed call returns an error message to the model.

        A call is recorded before it starts, and its output before it is returned. Raises `SupersededError`.
        """
        asked = run.required_action.submit_tool_outputs.tool_calls if run.required_action else []
        begun = [self._begun(run, call) for call in asked]
        known = await self._db.write(calls.begin, self._turn.attempts, begun) if begun else []
        tasks = [
            asyncio.create_task(self._output(call, earlier, shows), name=f"call-{call.function}")
            for call, earlier in zip(begun, known, strict=True)
        ]
        try:
            outputs = await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
        return [ToolOutput(tool_call_id=call.call_id, output=said) for call, said in zip(begun, outputs, strict=True)]

    def _begun(self, run: Run, asked: RequestedCall) -> Call:
        """The record of a call that has no output yet. A call that may run counts as started once recorded."""
        function, now = self._functions.get(asked.function.name), time.time()
        refused = function is not None and not function.read_only
        return Call(
            run_id=run.id,
            call_id=asked.id,
            turn=self._turn.id,
            function=asked.function.name,
            arguments=asked.function.arguments,
            asked_at=now,
            verdict="refused" if refused else "allowed",
            decided_by=POLICY,
            started_at=None if refused or function is None else now,
        )

    async def _output(self, call: Call, earlier: Call | None, shows: Shows) -> str:
        if earlier is not None and earlier.output is not None:
            return earlier.output
        await shows(Step(f"Calling {call.function}…", key=call.call_id, after=f"Called {call.function}"))
        try:
            output = await self._result(call, earlier)
            await shows(Step(f"Called {call.function}", "done", call.call_id))
        except FunctionFailedError as error:
            log.warning("function failed", function=call.function, call=call.call_id, exc_info=error.__cause__)
            output = error.output
            await shows(Step(f"{call.function} failed", "failed", call.call_id))
        await self._db.write(calls.end, self._turn.attempts, replace(call, output=output, done_at=time.time()))
        return output

    async def _result(self, call: Call, earlier: Call | None) -> str:
        """The output of the function. Raises `FunctionFailedError` with the message for the model."""
        function = self._functions.get(call.function)
        if function is None:
            there = f"there are {', '.join(self._functions)}" if self._functions else "there are none"
            raise FunctionFailedError(f"There is no function {call.function!r} here; {there}.")
        if call.verdict == "refused":
            raise FunctionFailedError(REFUSED.format(name=function.name))
        if earlier is not None and earlier.started_at is not None and not function.repeatable:
            raise FunctionFailedError(LOST.format(name=function.name))
        return await function.result(call.arguments)
