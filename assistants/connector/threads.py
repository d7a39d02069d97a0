"""Threads, with their messages and runs: create (also with a first run), modify, delete."""

from typing import Unpack

from assistants.connector.exchange import Exchange, body, path
from assistants.connector.messages import Messages
from assistants.connector.options import ThreadAndRunOptions, ThreadChanges, ThreadOptions
from assistants.connector.runs import Runs
from assistants.connector.streams import RunStream
from assistants.contract import CreateThread, CreateThreadAndRun, Deleted, ModifyThread, Run, Thread


class Threads:
    """`client.threads`"""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self.messages = Messages(exchange)
        self.runs = Runs(exchange)

    async def create(self, **options: Unpack[ThreadOptions]) -> Thread:
        return await self._exchange.create(Thread, "threads", body(CreateThread, options))

    async def retrieve(self, thread_id: str) -> Thread:
        return await self._exchange.get(Thread, _path(thread_id))

    async def modify(self, thread_id: str, **changes: Unpack[ThreadChanges]) -> Thread:
        """Change the given fields; None clears a field."""
        return await self._exchange.post(Thread, _path(thread_id), body(ModifyThread, changes))

    async def delete(self, thread_id: str) -> Deleted:
        """Delete a thread with its messages and runs."""
        return await self._exchange.delete(Deleted, _path(thread_id))

    async def create_and_run(self, *, assistant_id: str, **options: Unpack[ThreadAndRunOptions]) -> Run:
        """Create a thread and start a run on it in one request; the run has the thread's id."""
        request = body(CreateThreadAndRun, {"assistant_id": assistant_id, **options})
        return await self._exchange.create(Run, "threads/runs", request)

    def create_and_stream(self, *, assistant_id: str, **options: Unpack[ThreadAndRunOptions]) -> RunStream:
        """The same, and stream the run's events."""
        request = body(CreateThreadAndRun, {"assistant_id": assistant_id, "stream": True, **options})
        return RunStream(self._exchange, "threads/runs", request)


def _path(thread_id: str) -> str:
    return path("threads", "{thread_id}", thread_id=thread_id)
