"""The steps of a run."""

from collections.abc import Sequence
from typing import Unpack

from assistants.connector.exchange import Exchange, body, path
from assistants.connector.options import ListOptions
from assistants.connector.pages import Pages
from assistants.contract import Include, IncludeQuery, RunStep, StepsQuery


class Steps:
    """`client.threads.runs.steps`; `include` requests the text of file-search results."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def list(
        self, thread_id: str, run_id: str, *, include: Sequence[Include] = (), **options: Unpack[ListOptions]
    ) -> Pages[RunStep]:
        where = path("threads", "{thread_id}", "runs", "{run_id}", "steps", thread_id=thread_id, run_id=run_id)
        return Pages(self._exchange, RunStep, where, {**options, **included(include)}, query=StepsQuery)

    async def retrieve(self, thread_id: str, run_id: str, step_id: str, *, include: Sequence[Include] = ()) -> RunStep:
        ids = {"thread_id": thread_id, "run_id": run_id, "step_id": step_id}
        where = path("threads", "{thread_id}", "runs", "{run_id}", "steps", "{step_id}", **ids)
        return await self._exchange.get(RunStep, where, body(IncludeQuery, included(include)).wire())


def included(include: Sequence[Include]) -> dict[str, list[Include]]:
    """Return the query parameter for `include`."""
    return {"include[]": [*include]} if include else {}
