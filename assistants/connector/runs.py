"""The runs of a thread: start, stream, wait, cancel, submit tool outputs."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Unpack

from assistants.connector.errors import AssistantsError, RequestTimeoutError
from assistants.connector.exchange import Exchange, body, path
from assistants.connector.functions import Function
from assistants.connector.once import once
from assistants.connector.options import ListOptions, Outputs, RunOptions
from assistants.connector.pages import Pages
from assistants.connector.polling import poll
from assistants.connector.recovery import is_final
from assistants.connector.steps import Steps, included
from assistants.connector.streams import RunStream
from assistants.connector.tools import Toolbox
from assistants.contract import (
    CreateRun,
    Include,
    IncludeQuery,
    Metadata,
    ModifyRun,
    Run,
    SubmitToolOutputs,
    ToolOutput,
)

# A run expires ten minutes after its creation; the server reports that a moment later.
DEADLINE = 660.0
# Time limit for cancelling a run whose caller has already been cancelled.
_PARTING = 5.0


class Runs:
    """`client.threads.runs`"""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self.steps = Steps(exchange)

    async def create(
        self, thread_id: str, *, assistant_id: str, include: Sequence[Include] = (), **options: Unpack[RunOptions]
    ) -> Run:
        """Start a run. Raises `ThreadLockedError` while another run is active on the thread."""
        query = body(IncludeQuery, included(include)).wire()
        return await self._exchange.create(Run, _all(thread_id), _create(assistant_id, options), query)

    def stream(
        self, thread_id: str, *, assistant_id: str, include: Sequence[Include] = (), **options: Unpack[RunOptions]
    ) -> RunStream:
        """Start a run and stream its events."""
        request = _create(assistant_id, options, stream=True)
        query = body(IncludeQuery, included(include)).wire()
        return RunStream(self._exchange, _all(thread_id), request, thread_id=thread_id, query=query)

    def list(self, thread_id: str, **options: Unpack[ListOptions]) -> Pages[Run]:
        return Pages(self._exchange, Run, _all(thread_id), options)

    async def retrieve(self, thread_id: str, run_id: str) -> Run:
        return await self._exchange.get(Run, _one(thread_id, run_id))

    async def modify(self, thread_id: str, run_id: str, *, metadata: Metadata | None) -> Run:
        return await self._exchange.post(Run, _one(thread_id, run_id), body(ModifyRun, {"metadata": metadata}))

    async def cancel(self, thread_id: str, run_id: str) -> Run:
        """Cancel a run; it may still be `cancelling` when this returns."""
        return await self._exchange.post(Run, _one(thread_id, run_id, "cancel"))

    async def submit_tool_outputs(self, thread_id: str, run_id: str, *, tool_outputs: Outputs) -> Run:
        """Submit the outputs of all calls that a run waits for."""
        request = body(SubmitToolOutputs, {"tool_outputs": tool_outputs})
        return await self._exchange.create(Run, _one(thread_id, run_id, "submit_tool_outputs"), request)

    def submit_and_stream(self, thread_id: str, run_id: str, *, tool_outputs: Outputs) -> RunStream:
        """The same, and stream the run's further events."""
        request = body(SubmitToolOutputs, {"tool_outputs": tool_outputs, "stream": True})
        where = _one(thread_id, run_id, "submit_tool_outputs")
        return RunStream(self._exchange, where, request, thread_id=thread_id, run_id=run_id)

    async def wait(self, thread_id: str, run_id: str, *, deadline: float = DEADLINE, cancel: bool = False) -> Run:
        """Wait until a run has ended or requires action. Raises `RequestTimeoutError` after `deadline` seconds.

        Polling follows the server's hints. With `cancel`, a wait that ends before the run, by the deadline or because
        its task was cancelled, cancels the run; without it the run continues.
        """
        async with self._cancelling(thread_id, run_id) if cancel else contextlib.nullcontext():
            return await poll(self._exchange, Run, _one(thread_id, run_id), until=is_final, deadline=deadline)

    async def run_tools(
        self,
        thread_id: str,
        *,
        assistant_id: str,
        functions: Sequence[Function],
        deadline: float = DEADLINE,
        **options: Unpack[RunOptions],
    ) -> Run:
        """Start a run, call these functions when it requests them, and return the run once it has ended.

        The run's tools are `functions` and the `tools` of the options, instead of the assistant's. The model is told of
        a function that fails. A run that has not ended after `deadline` seconds is cancelled.
        """
        toolbox = Toolbox(functions)
        options["tools"] = [*(options.get("tools") or ()), *toolbox.tools]
        run = await self.create(thread_id, assistant_id=assistant_id, **options)
        return await self.drive(run, toolbox, deadline=deadline)

    async def drive(self, run: Run, functions: Sequence[Function] | Toolbox, *, deadline: float = DEADLINE) -> Run:
        """The same for an existing run: one found again, or created with its thread."""
        toolbox = functions if isinstance(functions, Toolbox) else Toolbox(functions)
        clock = asyncio.get_running_loop().time
        end = clock() + deadline
        async with self._cancelling(run.thread_id, run.id):
            while True:
                run = await self.wait(run.thread_id, run.id, deadline=max(end - clock(), 0.0))
                if run.status != "requires_action":
                    return run
                await self._submit(run, await self._outputs(run, toolbox, end))

    async def _outputs(self, run: Run, toolbox: Toolbox, end: float) -> Sequence[ToolOutput]:
        calls = run.required_action.submit_tool_outputs.tool_calls if run.required_action else []
        try:
            async with asyncio.timeout_at(end):
                return await toolbox.outputs(calls)
        except TimeoutError:
            names = ", ".join(call.function.name for call in calls)
            raise RequestTimeoutError(f"Run {run.id} was given too little time for {names}.") from None

    async def _submit(self, run: Run, outputs: Sequence[ToolOutput]) -> None:
        """Submit outputs once: after an unclear response, check the run for them."""

        async def submit() -> Run:
            return await self.submit_tool_outputs(run.thread_id, run.id, tool_outputs=outputs)

        async def submitted() -> Run | None:
            now = await self.retrieve(run.thread_id, run.id)
            return None if now.required_action == run.required_action else now

        await once(submit, submitted)

    @contextlib.asynccontextmanager
    async def _cancelling(self, thread_id: str, run_id: str) -> AsyncIterator[None]:
        try:
            yield
        except (TimeoutError, asyncio.CancelledError):
            # The server itself may be what is slow; do not keep the caller waiting.
            with contextlib.suppress(AssistantsError, TimeoutError):
                async with asyncio.timeout(_PARTING):
                    await self.cancel(thread_id, run_id)
            raise


def _create(assistant_id: str, options: RunOptions, *, stream: bool | None = None) -> CreateRun:
    fields = {"assistant_id": assistant_id, **options}
    return body(CreateRun, fields if stream is None else {**fields, "stream": stream})


def _all(thread_id: str) -> str:
    return path("threads", "{thread_id}", "runs", thread_id=thread_id)


def _one(thread_id: str, run_id: str, *action: str) -> str:
    return path("threads", "{thread_id}", "runs", "{run_id}", *action, thread_id=thread_id, run_id=run_id)
