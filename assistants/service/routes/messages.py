"""Messages of a thread: create, list, get, modify, delete."""

from fastapi import APIRouter
from fastapi.responses import Response

from assistants.contract import CreateMessage, Deleted, ListPage, Message, ModifyMessage, Thread
from assistants.service import making, references, store
from assistants.service.routes.common import V1, BetaDb, Listing, MessageId, ThreadId, page, said
from storage import objects

router = APIRouter(prefix=f"{V1}/threads/{{thread_id}}/messages")


@router.post("", operation_id="createMessage", response_model=Message)
async def create(thread_id: ThreadId, body: CreateMessage, db: BetaDb) -> Response:
    await references.messages(db, "messages", [body])
    message = making.message(body, thread_id)
    await db.once(lambda _: message, store.post_message, message, db.project)
    db.attached([message])
    return said(message)


@router.get("", operation_id="listMessages", response_model=ListPage[Message])
async def list_all(thread_id: ThreadId, db: BetaDb, window: Listing, run_id: str | None = None) -> Response:
    await db.row(Thread, thread_id)
    only = {"run_id": run_id} if run_id else {}
    return await page(db, Message, window, where={"thread_id": thread_id, **only})


@router.get("/{message_id}", operation_id="getMessage", response_model=Message)
async def retrieve(thread_id: ThreadId, message_id: MessageId, db: BetaDb) -> Response:
    return said(await db.find(Message, message_id, thread_id=thread_id))


@router.post("/{message_id}", operation_id="modifyMessage", response_model=Message)
async def modify(thread_id: ThreadId, message_id: MessageId, body: ModifyMessage, db: BetaDb) -> Response:
    await db.row(Message, message_id, thread_id=thread_id)
    changes = {"metadata": body.metadata or {}} if "metadata" in body.model_fields_set else {}
    return said(await db.modify(Message, message_id, changes))


@router.delete("/{message_id}", operation_id="deleteMessage", response_model=Deleted)
async def delete(thread_id: ThreadId, message_id: MessageId, db: BetaDb) -> Response:
    await db.find(Message, message_id, thread_id=thread_id)
    await db.db.write(objects.remove, "messages", message_id)
    return said(Deleted(id=message_id, object="thread.message.deleted"))
