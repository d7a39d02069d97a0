"""Vector stores: create, list, get, modify, delete, search."""

from fastapi import APIRouter
from fastapi.responses import Response

from assistants.contract import (
    CreateVectorStore,
    Deleted,
    Expiration,
    Failure,
    ListPage,
    ModifyVectorStore,
    SearchResults,
    SearchVectorStore,
    VectorStore,
)
from assistants.service import references, store, vector_stores
from assistants.service.access import Access
from assistants.service.making import said as set_in
from assistants.service.refusals import Refused
from assistants.service.routes.common import V1, Db, Listing, Search, StoreId, page, said
from storage import objects
from storage.database import Row

router = APIRouter(prefix=f"{V1}/vector_stores")


@router.post("", operation_id="createVectorStore", response_model=VectorStore)
async def create(body: CreateVectorStore, db: Db) -> Response:
    await references.files(db, body.file_ids or ())
    more = {"expires_after": Expiration(**body.expires_after.wire())} if body.expires_after else {}
    new = vector_stores.new(**set_in(body, "name", "description", "metadata"), **more)
    entries = references.entries_of(new.id, body.file_ids or (), body.chunking_strategy)
    await db.once(lambda _: new, references.create_store, new, entries, db.project)
    db.index()
    return said(await _told(db, new.id))


@router.get("", operation_id="listVectorStores", response_model=ListPage[VectorStore])
async def list_all(db: Db, window: Listing) -> Response:
    async def read(rows: list[Row]) -> list[VectorStore]:
        return await vector_stores.read(db.db, rows)

    return await page(db, VectorStore, window, read=read)


@router.get("/{vector_store_id}", operation_id="getVectorStore", response_model=VectorStore)
async def retrieve(vector_store_id: StoreId, db: Db) -> Response:
    return said(await _told(db, vector_store_id))


@router.post("/{vector_store_id}", operation_id="modifyVectorStore", response_model=VectorStore)
async def modify(vector_store_id: StoreId, body: ModifyVectorStore, db: Db) -> Response:
    found = await db.find(VectorStore, vector_store_id)
    if "expires_after" in body.model_fields_set:
        wanted = Expiration(**body.expires_after.wire()) if body.expires_after else None
        found = vector_stores.expiring(found, wanted)
    changes = {name: getattr(found, name) for name in ("expires_after", "expires_at", "last_active_at")}
    if "name" in body.model_fields_set:
        changes["name"] = body.name
    if "metadata" in body.model_fields_set:
        changes["metadata"] = body.metadata or {}
    await db.modify(VectorStore, vector_store_id, changes)
    return said(await _told(db, vector_store_id))


@router.delete("/{vector_store_id}", operation_id="deleteVectorStore", response_model=Deleted)
async def delete(vector_store_id: StoreId, db: Db) -> Response:
    if not await db.db.write(objects.remove, "vector_stores", vector_store_id, db.project):
        raise Refused(store.missing(VectorStore, vector_store_id))
    await vector_stores.empty(db.db, vector_store_id)
    return said(Deleted(id=vector_store_id, object="vector_store.deleted"))


@router.post("/{vector_store_id}/search", operation_id="searchVectorStore", response_model=SearchResults)
async def search(vector_store_id: StoreId, body: SearchVectorStore, db: Db, searcher: Search) -> Response:
    found = await db.find(VectorStore, vector_store_id)
    expect_alive(found)
    await vector_stores.note_use(db.db, found)
    return said(await searcher.search(vector_store_id, body))


def expect_alive(found: VectorStore) -> None:
    """Refuse an expired vector store."""
    if vector_stores.is_over(found):
        raise Refused(Failure(400, f"Vector store {found.id} has expired.", code="vector_store_expired"))


async def _told(db: Access, id_: str) -> VectorStore:
    row = await db.row(VectorStore, id_)
    return (await vector_stores.read(db.db, [row]))[0]
