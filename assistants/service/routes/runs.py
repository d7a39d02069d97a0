"""Runs: create, alone or with a thread, list, get, modify, cancel, submit outputs; and their steps."""

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from assistants.contract import (
    Assistant,
    CreateRun,
    CreateThread,
    CreateThreadAndRun,
    ModifyRun,
    Run,
    RunStep,
    SubmitToolOutputs,
    Thread,
)
from assistants.service import making, store
from assistants.service.refusals import expect_id, expect_messages
from assistants.service.routes.common import (
    Db,
    Listing,
    RunId,
    Runs,
    StepId,
    ThreadId,
    beta,
    find,
    page,
    said,
    streamed,
)
from assistants.service.routes.threads import new_thread
from storage.database import Database

router = APIRouter(dependencies=[Depends(beta)])


@router.post("/threads/runs")
async def create_with_thread(body: CreateThreadAndRun, db: Db, runs: Runs) -> Response:
    assistant = await _assistant(db, body.assistant_id)
    new = body.thread or CreateThread()
    thread = new_thread(new)
    messages = [making.message(message, thread.id) for message in expect_messages("thread.messages", new.messages)]
    run = making.run(body, assistant, thread.id)
    await db.write(store.create_run, run, messages, thread)
    return streamed(runs.launch(run, stream=body.stream, thread=thread), run)


@router.post("/threads/{thread_id}/runs")
async def create(thread_id: ThreadId, body: CreateRun, db: Db, runs: Runs) -> Response:
    assistant = await _assistant(db, body.assistant_id)
    more = expect_messages("additional_messages", body.additional_messages)
    run = making.run(body, assistant, thread_id)
    await db.write(store.create_run, run, [making.message(message, thread_id) for message in more])
    return streamed(runs.launch(run, stream=body.stream), run)


@router.get("/threads/{thread_id}/runs")
async def list_all(thread_id: ThreadId, db: Db, window: Listing) -> Response:
    await find(db, Thread, thread_id)
    return await page(db, Run, window, thread_id=thread_id)


@router.get("/threads/{thread_id}/runs/{run_id}")
async def retrieve(thread_id: ThreadId, run_id: RunId, db: Db) -> Response:
    return said(await find(db, Run, run_id, thread_id=thread_id))


@router.post("/threads/{thread_id}/runs/{run_id}")
async def modify(thread_id: ThreadId, run_id: RunId, body: ModifyRun, db: Db) -> Response:
    run = await find(db, Run, run_id, thread_id=thread_id)
    changes: dict[str, object] = {"metadata": body.metadata or {}} if "metadata" in body.model_fields_set else {}
    changed = await db.write(store.modify, Run, run_id, changes)
    return said(changed or run)


@router.post("/threads/{thread_id}/runs/{run_id}/cancel")
async def cancel(thread_id: ThreadId, run_id: RunId, db: Db, runs: Runs) -> Response:
    run = await db.write(store.cancel, thread_id, run_id)
    runs.cancel(run)
    return said(run)


@router.post("/threads/{thread_id}/runs/{run_id}/submit_tool_outputs")
async def submit(thread_id: ThreadId, run_id: RunId, body: SubmitToolOutputs, db: Db, runs: Runs) -> Response:
    run, step = await db.write(store.submit, thread_id, run_id, body.tool_outputs)
    return streamed(runs.go_on(run, step, stream=body.stream), run)


@router.get("/threads/{thread_id}/runs/{run_id}/steps")
async def list_steps(thread_id: ThreadId, run_id: RunId, db: Db, window: Listing) -> Response:
    await find(db, Run, run_id, thread_id=thread_id)
    return await page(db, RunStep, window, run_id=run_id)


@router.get("/threads/{thread_id}/runs/{run_id}/steps/{step_id}")
async def retrieve_step(thread_id: ThreadId, run_id: RunId, step_id: StepId, db: Db) -> Response:
    return said(await find(db, RunStep, step_id, thread_id=thread_id, run_id=run_id))


async def _assistant(db: Database, assistant_id: str) -> Assistant:
    return await find(db, Assistant, expect_id("assistant_id", assistant_id, "asst"))
