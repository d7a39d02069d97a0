"""Messages of a thread: create, list, get, modify, delete."""

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from assistants.contract import CreateMessage, Deleted, Message, ModifyMessage, Thread
from assistants.service import making, store
from assistants.service.refusals import expect_messages
from assistants.service.routes.common import Db, Listing, MessageId, ThreadId, beta, find, page, said
from storage import objects

router = APIRouter(prefix="/threads/{thread_id}/messages", dependencies=[Depends(beta)])


@router.post("")
async def create(thread_id: ThreadId, body: CreateMessage, db: Db) -> Response:
    (checked,) = expect_messages("messages", [body])
    message = making.message(checked, thread_id)
    await db.write(store.post_message, message)
    return said(message)


@router.get("")
async def list_all(thread_id: ThreadId, db: Db, window: Listing, run_id: str | None = None) -> Response:
    await find(db, Thread, thread_id)
    only = {"run_id": run_id} if run_id else {}
    return await page(db, Message, window, thread_id=thread_id, **only)


@router.get("/{message_id}")
async def retrieve(thread_id: ThreadId, message_id: MessageId, db: Db) -> Response:
    return said(await find(db, Message, message_id, thread_id=thread_id))


@router.post("/{message_id}")
async def modify(thread_id: ThreadId, message_id: MessageId, body: ModifyMessage, db: Db) -> Response:
    message = await find(db, Message, message_id, thread_id=thread_id)
    changes: dict[str, object] = {"metadata": body.metadata or {}} if "metadata" in body.model_fields_set else {}
    changed = await db.write(store.modify, Message, message_id, changes)
    return said(changed or message)


@router.delete("/{message_id}")
async def delete(thread_id: ThreadId, message_id: MessageId, db: Db) -> Response:
    await find(db, Message, message_id, thread_id=thread_id)
    await db.write(objects.remove, "messages", message_id)
    return said(Deleted(id=message_id, object="thread.message.deleted"))
