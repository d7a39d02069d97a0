"""The steps of a run."""

from typing import Unpack

from assistants.connector.exchange import Exchange, path
from assistants.connector.options import ListOptions
from assistants.connector.pages import Pages
from assistants.contract import RunStep


class Steps:
    """`client.threads.runs.steps`"""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def list(self, thread_id: str, run_id: str, **options: Unpack[ListOptions]) -> Pages[RunStep]:
        where = path("threads", "{thread_id}", "runs", "{run_id}", "steps", thread_id=thread_id, run_id=run_id)
        return Pages(self._exchange, RunStep, where, options)

    async def retrieve(self, thread_id: str, run_id: str, step_id: str) -> RunStep:
        ids = {"thread_id": thread_id, "run_id": run_id, "step_id": step_id}
        where = path("threads", "{thread_id}", "runs", "{run_id}", "steps", "{step_id}", **ids)
        return await self._exchange.get(RunStep, where)
