"""Assistants: create, list, get, modify, delete."""

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from assistants.contract import Assistant, CreateAssistant, Deleted, ModifyAssistant, no_such
from assistants.service import store
from assistants.service.making import said as set_in
from assistants.service.refusals import Refused, expect_resources
from assistants.service.routes.common import AssistantId, Db, Listing, beta, find, page, said
from assistants.service.rows import new_id, now
from storage import objects

router = APIRouter(dependencies=[Depends(beta)])

_FIELDS = (
    "name",
    "description",
    "model",
    "instructions",
    "tools",
    "metadata",
    "temperature",
    "top_p",
    "response_format",
    "reasoning_effort",
)


@router.post("/assistants")
async def create(body: CreateAssistant, db: Db) -> Response:
    assistant = Assistant(
        id=new_id("asst"),
        created_at=now(),
        tool_resources=expect_resources(body.tool_resources),
        **set_in(body, *_FIELDS),
    )
    await db.write(store.add, assistant)
    return said(assistant)


@router.get("/assistants")
async def list_all(db: Db, window: Listing) -> Response:
    return await page(db, Assistant, window)


@router.get("/assistants/{assistant_id}")
async def retrieve(assistant_id: AssistantId, db: Db) -> Response:
    return said(await find(db, Assistant, assistant_id))


@router.post("/assistants/{assistant_id}")
async def modify(assistant_id: AssistantId, body: ModifyAssistant, db: Db) -> Response:
    assistant = await db.write(store.modify, Assistant, assistant_id, _changes(body))
    if assistant is None:
        raise Refused(no_such("assistant", assistant_id))
    return said(assistant)


@router.delete("/assistants/{assistant_id}")
async def delete(assistant_id: AssistantId, db: Db) -> Response:
    if not await db.write(objects.remove, "assistants", assistant_id):
        raise Refused(no_such("assistant", assistant_id))
    return said(Deleted(id=assistant_id, object="assistant.deleted"))


def _changes(body: ModifyAssistant) -> dict[str, object]:
    """What is to change: a null clears what may be empty, and gives back its default to what may not."""
    fields = Assistant.model_fields
    changes: dict[str, object] = {}
    for name in body.model_fields_set - {"tool_resources"}:
        value = getattr(body, name)
        if value is not None:
            changes[name] = value
        elif not fields[name].is_required():
            changes[name] = fields[name].get_default(call_default_factory=True)
    if "tool_resources" in body.model_fields_set:
        changes["tool_resources"] = expect_resources(body.tool_resources)
    return changes
