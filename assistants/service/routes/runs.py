"""Runs: create, alone or with a thread, list, get, modify, cancel, submit outputs; and their steps."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from assistants.contract import (
    Assistant,
    CreateRun,
    CreateThread,
    CreateThreadAndRun,
    Failure,
    ListPage,
    ModifyRun,
    Run,
    RunStep,
    SubmitToolOutputs,
    Thread,
)
from assistants.service import attaching, making, references, store
from assistants.service.access import Access, Answered, itself
from assistants.service.refusals import Refused, expect_id, expect_possible
from assistants.service.routes.common import (
    V1,
    BetaDb,
    Listing,
    RunId,
    Runs,
    StepId,
    ThreadId,
    page,
    said,
    streamed,
)
from assistants.service.routes.threads import new_thread
from assistants.service.rows import from_row
from assistants.service.runner import Runner
from assistants.service.tools.search_calls import shown
from storage.database import Row

router = APIRouter(prefix=V1)

STREAMED: Any = {200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}}
INCLUDABLE = "step_details.tool_calls[*].file_search.results[*].content"


async def _includes(
    include: Annotated[list[str] | None, Query()] = None,
    listed: Annotated[list[str] | None, Query(alias="include[]")] = None,
) -> bool:
    """Return whether the text of search results is requested; any other include is refused."""
    asked = [*(include or ()), *(listed or ())]
    for wanted in asked:
        if wanted != INCLUDABLE:
            why = f"Invalid value: '{wanted}'. Supported values are: '{INCLUDABLE}'."
            raise Refused(Failure(400, why, code="invalid_value", param="include"))
    return bool(asked)


Includes = Annotated[bool, Depends(_includes)]


@router.post("/threads/runs", operation_id="createThreadAndRun", response_model=Run, responses=STREAMED)
async def create_with_thread(body: CreateThreadAndRun, db: BetaDb, runs: Runs) -> Response:
    _expect_open(runs)
    assistant = await _assistant(db, body.assistant_id)
    new = body.thread or CreateThread()
    asked = await references.messages(db, "thread.messages", new.messages)
    try:
        resources = await references.resources(db, body.tool_resources, days=attaching.DAYS)
        thread = await new_thread(db, new)
        messages = [making.message(message, thread.id) for message in asked]
        run = expect_possible(making.run(body, assistant, thread.id, resources))
        await db.once(lambda _: run, store.create_run, run, messages, db.project, thread)
    except Answered as before:
        return _again(before, runs, stream=body.stream)
    db.attached(messages)
    return streamed(runs.launch(run, stream=body.stream, thread=thread), run)


@router.post("/threads/{thread_id}/runs", operation_id="createRun", response_model=Run, responses=STREAMED)
async def create(thread_id: ThreadId, body: CreateRun, db: BetaDb, runs: Runs, content: Includes) -> Response:
    _expect_open(runs)
    assistant = await _assistant(db, body.assistant_id)
    more = await references.messages(db, "additional_messages", body.additional_messages)
    run = expect_possible(making.run(body, assistant, thread_id))
    messages = [making.message(message, thread_id) for message in more]
    try:
        await db.once(lambda _: run, store.create_run, run, messages, db.project)
    except Answered as before:
        return _again(before, runs, stream=body.stream)
    db.attached(messages)
    return streamed(runs.launch(run, stream=body.stream, includes=content), run)


@router.get("/threads/{thread_id}/runs", operation_id="listRuns", response_model=ListPage[Run])
async def list_all(thread_id: ThreadId, db: BetaDb, window: Listing) -> Response:
    await db.row(Thread, thread_id)
    return await page(db, Run, window, where={"thread_id": thread_id})


@router.get("/threads/{thread_id}/runs/{run_id}", operation_id="getRun", response_model=Run)
async def retrieve(thread_id: ThreadId, run_id: RunId, db: BetaDb) -> Response:
    return said(await db.find(Run, run_id, thread_id=thread_id))


@router.post("/threads/{thread_id}/runs/{run_id}", operation_id="modifyRun", response_model=Run)
async def modify(thread_id: ThreadId, run_id: RunId, body: ModifyRun, db: BetaDb) -> Response:
    await db.row(Run, run_id, thread_id=thread_id)
    changes = {"metadata": body.metadata or {}} if "metadata" in body.model_fields_set else {}
    return said(await db.modify(Run, run_id, changes))


@router.post("/threads/{thread_id}/runs/{run_id}/cancel", operation_id="cancelRun", response_model=Run)
async def cancel(thread_id: ThreadId, run_id: RunId, db: BetaDb, runs: Runs) -> Response:
    run = await db.once(itself, store.cancel, thread_id, run_id, db.project)
    runs.cancel(run)
    return said(run)


@router.post(
    "/threads/{thread_id}/runs/{run_id}/submit_tool_outputs",
    operation_id="submitToolOutputsToRun",
    response_model=Run,
    responses=STREAMED,
)
async def submit(thread_id: ThreadId, run_id: RunId, body: SubmitToolOutputs, db: BetaDb, runs: Runs) -> Response:
    try:
        run, step = await db.once(lambda done: done[0], store.submit, thread_id, run_id, body.tool_outputs, db.project)
    except Answered as before:
        return _again(before, runs, stream=body.stream)
    return streamed(runs.go_on(run, step, stream=body.stream), run)


@router.get("/threads/{thread_id}/runs/{run_id}/steps", operation_id="listRunSteps", response_model=ListPage[RunStep])
async def list_steps(thread_id: ThreadId, run_id: RunId, db: BetaDb, window: Listing, content: Includes) -> Response:
    async def read(rows: list[Row]) -> list[RunStep]:
        return [shown(from_row(RunStep, row), content=content) for row in rows]

    await db.row(Run, run_id, thread_id=thread_id)
    return await page(db, RunStep, window, where={"run_id": run_id}, read=read)


@router.get("/threads/{thread_id}/runs/{run_id}/steps/{step_id}", operation_id="getRunStep", response_model=RunStep)
async def retrieve_step(thread_id: ThreadId, run_id: RunId, step_id: StepId, db: BetaDb, content: Includes) -> Response:
    return said(shown(await db.find(RunStep, step_id, thread_id=thread_id, run_id=run_id), content=content))


def _expect_open(runs: Runner) -> None:
    if runs.draining:
        sentence = "The server is about to restart and begins no more runs; try again in a moment."
        raise Refused(Failure(503, sentence, type="server_error", code="server_draining"))


async def _assistant(db: Access, assistant_id: str) -> Assistant:
    return await db.find(Assistant, expect_id("assistant_id", assistant_id, "asst"))


def _again(before: Answered, runs: Runner, *, stream: bool | None) -> Response:
    """Answer a repeated request: with the same run, or its stream again."""
    run = Run.model_validate_json(before.body)
    return streamed(runs.retell(run) if stream else None, run)
