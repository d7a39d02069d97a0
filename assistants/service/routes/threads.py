"""Threads: create, get, modify, delete."""

from fastapi import APIRouter
from fastapi.responses import Response

from assistants.contract import CreateThread, Deleted, ModifyThread, Thread, no_such
from assistants.service import attaching, making, references, store
from assistants.service.access import Access, itself
from assistants.service.refusals import Refused
from assistants.service.routes.common import V1, BetaDb, Runs, ThreadId, said
from assistants.service.rows import new_id, now
from storage import objects

router = APIRouter(prefix=V1)

# A write touches at most this many rows; a long thread is deleted in several.
ROWS = 200


async def new_thread(access: Access, body: CreateThread) -> Thread:
    return Thread(
        id=new_id("thread"),
        created_at=now(),
        tool_resources=await references.resources(access, body.tool_resources, days=attaching.DAYS),
        metadata=body.metadata or {},
    )


@router.post("/threads", operation_id="createThread", response_model=Thread)
async def create(db: BetaDb, body: CreateThread | None = None) -> Response:
    body = body or CreateThread()
    asked = await references.messages(db, "messages", body.messages)
    thread = await new_thread(db, body)
    messages = [making.message(message, thread.id) for message in asked]
    made = await db.once(itself, store.create_thread, thread, messages, db.project)
    db.attached(messages)
    return said(made)


@router.get("/threads/{thread_id}", operation_id="getThread", response_model=Thread)
async def retrieve(thread_id: ThreadId, db: BetaDb) -> Response:
    return said(await db.find(Thread, thread_id))


@router.post("/threads/{thread_id}", operation_id="modifyThread", response_model=Thread)
async def modify(thread_id: ThreadId, body: ModifyThread, db: BetaDb) -> Response:
    changes: dict[str, object] = {}
    if "metadata" in body.model_fields_set:
        changes["metadata"] = body.metadata or {}
    if "tool_resources" in body.model_fields_set:
        changes["tool_resources"] = await references.resources(db, body.tool_resources, days=attaching.DAYS)
    return said(await db.modify(Thread, thread_id, changes))


@router.delete("/threads/{thread_id}", operation_id="deleteThread", response_model=Deleted)
async def delete(thread_id: ThreadId, db: BetaDb, runs: Runs) -> Response:
    # Nothing can be reached without the thread itself, so the rest may be deleted in steps.
    if not await db.db.write(objects.remove, "threads", thread_id, db.project):
        raise Refused(no_such("thread", thread_id))
    runs.abandon(thread_id)
    while await db.db.write(objects.remove_children, thread_id, ROWS):
        pass
    return said(Deleted(id=thread_id, object="thread.deleted"))
