"""Assistants: create, list, get, modify, delete."""

from fastapi import APIRouter
from fastapi.responses import Response

from assistants.contract import Assistant, CreateAssistant, Deleted, ListPage, ModifyAssistant, no_such
from assistants.service import references, store
from assistants.service.making import said as set_in
from assistants.service.refusals import Refused
from assistants.service.routes.common import V1, AssistantId, BetaDb, Listing, page, said
from assistants.service.rows import new_id, now
from storage import objects

router = APIRouter(prefix=V1)

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


@router.post("/assistants", operation_id="createAssistant", response_model=Assistant)
async def create(body: CreateAssistant, db: BetaDb) -> Response:
    assistant = Assistant(
        id=new_id("asst"),
        created_at=now(),
        tool_resources=await references.resources(db, body.tool_resources),
        **set_in(body, *_FIELDS),
    )
    await db.once(lambda _: assistant, store.add, assistant, project=db.project)
    return said(assistant)


@router.get("/assistants", operation_id="listAssistants", response_model=ListPage[Assistant])
async def list_all(db: BetaDb, window: Listing) -> Response:
    return await page(db, Assistant, window)


@router.get("/assistants/{assistant_id}", operation_id="getAssistant", response_model=Assistant)
async def retrieve(assistant_id: AssistantId, db: BetaDb) -> Response:
    return said(await db.find(Assistant, assistant_id))


@router.post("/assistants/{assistant_id}", operation_id="modifyAssistant", response_model=Assistant)
async def modify(assistant_id: AssistantId, body: ModifyAssistant, db: BetaDb) -> Response:
    changes = _changes(body)
    if "tool_resources" in body.model_fields_set:
        changes["tool_resources"] = await references.resources(db, body.tool_resources)
    return said(await db.modify(Assistant, assistant_id, changes))


@router.delete("/assistants/{assistant_id}", operation_id="deleteAssistant", response_model=Deleted)
async def delete(assistant_id: AssistantId, db: BetaDb) -> Response:
    if not await db.db.write(objects.remove, "assistants", assistant_id, db.project):
        raise Refused(no_such("assistant", assistant_id))
    return said(Deleted(id=assistant_id, object="assistant.deleted"))


def _changes(body: ModifyAssistant) -> dict[str, object]:
    """Return the changes: null clears an optional field and resets any other to its default."""
    fields = Assistant.model_fields
    changes: dict[str, object] = {}
    for name in body.model_fields_set - {"tool_resources"}:
        value = getattr(body, name)
        if value is not None:
            changes[name] = value
        elif not fields[name].is_required():
            changes[name] = fields[name].get_default(call_default_factory=True)
    return changes
