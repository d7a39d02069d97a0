"""The runs of a thread: started, streamed, awaited, cancelled, given what they wait for."""

import asyncio
from asyncio import sleep
from typing import Unpack

from assistants.connector.errors import RequestTimeoutError
from assistants.connector.exchange import Exchange, body, path
from assistants.connector.options import ListOptions, Outputs, RunOptions
from assistants.connector.pages import Pages
from assistants.connector.steps import Steps
from assistants.connector.streams import RunStream
from assistants.contract import TERMINAL, CreateRun, Metadata, ModifyRun, Run, SubmitToolOutputs

_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 2.0


class Runs:
    """`client.threads.runs`"""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self.steps = Steps(exchange)

    async def create(self, thread_id: str, *, assistant_id: str, **options: Unpack[RunOptions]) -> Run:
        """Start a run; raises `ThreadLockedError` while another one is active on the thread."""
        return await self._exchange.post(Run, _all(thread_id), _create(assistant_id, options))

    def stream(self, thread_id: str, *, assistant_id: str, **options: Unpack[RunOptions]) -> RunStream:
        """Start a run and read its events as they come."""
        request = _create(assistant_id, options, stream=True)
        return RunStream(self._exchange, _all(thread_id), request, thread_id=thread_id)

    def list(self, thread_id: str, **options: Unpack[ListOptions]) -> Pages[Run]:
        return Pages(self._exchange, Run, _all(thread_id), options)

    async def retrieve(self, thread_id: str, run_id: str) -> Run:
        return await self._exchange.get(Run, _one(thread_id, run_id))

    async def modify(self, thread_id: str, run_id: str, *, metadata: Metadata | None) -> Run:
        return await self._exchange.post(Run, _one(thread_id, run_id), body(ModifyRun, {"metadata": metadata}))

    async def cancel(self, thread_id: str, run_id: str) -> Run:
        """Ask a run to stop; it may still be cancelling when this returns."""
        return await self._exchange.post(Run, _one(thread_id, run_id, "cancel"))

    async def submit_tool_outputs(self, thread_id: str, run_id: str, *, tool_outputs: Outputs) -> Run:
        """Give a run the outputs of all calls it waits for."""
        request = body(SubmitToolOutputs, {"tool_outputs": tool_outputs})
        return await self._exchange.post(Run, _one(thread_id, run_id, "submit_tool_outputs"), request)

    def submit_and_stream(self, thread_id: str, run_id: str, *, tool_outputs: Outputs) -> RunStream:
        """The same, and the run's events from there on."""
        request = body(SubmitToolOutputs, {"tool_outputs": tool_outputs, "stream": True})
        return RunStream(self._exchange, _one(thread_id, run_id, "submit_tool_outputs"), request, thread_id=thread_id)

    async def wait(self, thread_id: str, run_id: str, *, deadline: float) -> Run:
        """The run once it has ended or requires action; raises `RequestTimeoutError` after `deadline` seconds.

        The server's hint when to ask again is followed each time; the run goes on when the deadline has passed.
        """
        clock = asyncio.get_running_loop().time
        end, pause = clock() + deadline, 0.0
        while True:
            response = await self._exchange.send("GET", _one(thread_id, run_id))
            run = self._exchange.read(Run, response)
            if run.status in TERMINAL or run.status == "requires_action":
                return run
            left = end - clock()
            if left <= 0:
                raise RequestTimeoutError(f"Run {run.id} is still {run.status} after {deadline:g} seconds.")
            hint = hinted(response.headers.get("openai-poll-after-ms"))
            pause = min(max(2 * pause, _FIRST_PAUSE), _LONGEST_PAUSE)
            await sleep(min(pause if hint is None else hint, left))


def hinted(header: str | None) -> float | None:
    """The seconds a server asks to wait, if it asks for some."""
    try:
        seconds = float(header or "") / 1000
    except ValueError:
        return None
    return seconds if 0 < seconds < float("inf") else None


def _create(assistant_id: str, options: RunOptions, *, stream: bool | None = None) -> CreateRun:
    fields = {"assistant_id": assistant_id, **options}
    return body(CreateRun, fields if stream is None else {**fields, "stream": stream})


def _all(thread_id: str) -> str:
    return path("threads", "{thread_id}", "runs", thread_id=thread_id)


def _one(thread_id: str, run_id: str, *action: str) -> str:
    return path("threads", "{thread_id}", "runs", "{run_id}", *action, thread_id=thread_id, run_id=run_id)
