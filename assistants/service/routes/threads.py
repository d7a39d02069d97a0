"""Threads: create, get, modify, delete."""

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from assistants.contract import CreateThread, Deleted, ModifyThread, Thread, no_such
from assistants.service import making, store
from assistants.service.refusals import Refused, expect_messages, expect_resources
from assistants.service.routes.common import Db, ThreadId, beta, find, said
from assistants.service.rows import new_id, now
from storage import objects

router = APIRouter(dependencies=[Depends(beta)])

# A write touches at most this many rows; a long thread goes in several.
ROWS = 200


def new_thread(body: CreateThread) -> Thread:
    return Thread(
        id=new_id("thread"),
        created_at=now(),
        tool_resources=expect_resources(body.tool_resources),
        metadata=body.metadata or {},
    )


@router.post("/threads")
async def create(db: Db, body: CreateThread | None = None) -> Response:
    body = body or CreateThread()
    thread = new_thread(body)
    messages = [making.message(message, thread.id) for message in expect_messages("messages", body.messages)]
    await db.write(store.create_thread, thread, messages)
    return said(thread)


@router.get("/threads/{thread_id}")
async def retrieve(thread_id: ThreadId, db: Db) -> Response:
    return said(await find(db, Thread, thread_id))


@router.post("/threads/{thread_id}")
async def modify(thread_id: ThreadId, body: ModifyThread, db: Db) -> Response:
    changes: dict[str, object] = {}
    if "metadata" in body.model_fields_set:
        changes["metadata"] = body.metadata or {}
    if "tool_resources" in body.model_fields_set:
        changes["tool_resources"] = expect_resources(body.tool_resources)
    thread = await db.write(store.modify, Thread, thread_id, changes)
    if thread is None:
        raise Refused(no_such("thread", thread_id))
    return said(thread)


@router.delete("/threads/{thread_id}")
async def delete(thread_id: ThreadId, db: Db) -> Response:
    # Without its thread nothing of it can be reached any more, so the rest may go bit by bit.
    if not await db.write(objects.remove, "threads", thread_id):
        raise Refused(no_such("thread", thread_id))
    while await db.write(objects.remove_children, thread_id, ROWS):
        pass
    return said(Deleted(id=thread_id, object="thread.deleted"))
