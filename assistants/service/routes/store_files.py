"""Files in vector stores, one by one and in batches: add, list, get, change, read, remove."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from fastapi.responses import Response

from assistants.contract import (
    CreateVectorStoreFile,
    CreateVectorStoreFileBatch,
    Deleted,
    Failure,
    File,
    ListPage,
    ModifyVectorStoreFile,
    TextPiece,
    VectorStore,
    VectorStoreFile,
    VectorStoreFileBatch,
    VectorStoreFileContent,
)
from assistants.service import files, references, store, vector_stores
from assistants.service.access import itself
from assistants.service.reading.reader import Unreadable, text_of
from assistants.service.refusals import Refused
from assistants.service.routes.common import V1, BatchId, Db, Listing, StoreId, page, said
from assistants.service.routes.vector_stores import expect_alive
from assistants.service.rows import from_row, new_id, now, to_row
from assistants.service.vector_stores import ROWS
from storage import chunks
from storage.database import Transaction
from storage.text import storable

router = APIRouter(prefix=f"{V1}/vector_stores/{{vector_store_id}}")

Status = Annotated[Literal["in_progress", "completed", "failed", "cancelled"] | None, Query(alias="filter")]


@router.post("/files", operation_id="createVectorStoreFile", response_model=VectorStoreFile)
async def add(vector_store_id: StoreId, body: CreateVectorStoreFile, db: Db) -> Response:
    expect_alive(await db.find(VectorStore, vector_store_id))
    await db.row(File, body.file_id)
    fields = vector_stores.entry(vector_store_id, body.file_id, body.chunking_strategy, body.attributes)
    entry = VectorStoreFile(**fields)
    await db.once(lambda _: entry, references.put_files, [entry])
    db.index()
    return said(entry)


@router.get("/files", operation_id="listVectorStoreFiles", response_model=ListPage[VectorStoreFile])
async def list_all(vector_store_id: StoreId, db: Db, window: Listing, status: Status = None) -> Response:
    await db.row(VectorStore, vector_store_id)
    where = {"vector_store_id": vector_store_id, **({"status": status} if status else {})}
    return await page(db, VectorStoreFile, window, where=where)


@router.get("/files/{file_id}", operation_id="getVectorStoreFile", response_model=VectorStoreFile)
async def retrieve(vector_store_id: StoreId, file_id: str, db: Db) -> Response:
    return said(await db.find(VectorStoreFile, file_id, vector_store_id=vector_store_id))


@router.post("/files/{file_id}", operation_id="updateVectorStoreFileAttributes", response_model=VectorStoreFile)
async def modify(vector_store_id: StoreId, file_id: str, body: ModifyVectorStoreFile, db: Db) -> Response:
    await db.row(VectorStoreFile, file_id, vector_store_id=vector_store_id)
    return said(await db.once(itself, _set_attributes, vector_store_id, file_id, body.attributes or {}))


@router.delete("/files/{file_id}", operation_id="deleteVectorStoreFile", response_model=Deleted)
async def remove(vector_store_id: StoreId, file_id: str, db: Db) -> Response:
    await db.row(VectorStoreFile, file_id, vector_store_id=vector_store_id)
    await db.db.write(chunks.remove_file, vector_store_id, file_id)
    while await db.db.write(chunks.remove_chunks, ROWS, vector_store_id, file_id):
        pass
    return said(Deleted(id=file_id, object="vector_store.file.deleted"))


@router.get(
    "/files/{file_id}/content", operation_id="retrieveVectorStoreFileContent", response_model=VectorStoreFileContent
)
async def content(vector_store_id: StoreId, file_id: str, db: Db) -> Response:
    await db.row(VectorStoreFile, file_id, vector_store_id=vector_store_id)
    row = await db.row(File, file_id)
    data = b"".join([piece async for piece in files.content(db.db, row)])
    try:
        text = await text_of(data)
    except Unreadable as unreadable:
        raise Refused(Failure(400, str(unreadable), code=unreadable.code)) from None
    return said(VectorStoreFileContent(data=[TextPiece(text=storable(text))]))


@router.post("/file_batches", operation_id="createVectorStoreFileBatch", response_model=VectorStoreFileBatch)
async def add_batch(vector_store_id: StoreId, body: CreateVectorStoreFileBatch, db: Db) -> Response:
    expect_alive(await db.find(VectorStore, vector_store_id))
    wanted = body.files or [
        CreateVectorStoreFile(file_id=id_, chunking_strategy=body.chunking_strategy, attributes=body.attributes)
        for id_ in body.file_ids or ()
    ]
    by_id = {one.file_id: one for one in wanted}
    await references.files(db, by_id)
    entries = [
        VectorStoreFile(**vector_stores.entry(vector_store_id, id_, one.chunking_strategy, one.attributes))
        for id_, one in by_id.items()
    ]
    batch = VectorStoreFileBatch(
        id=new_id("vsfb"), created_at=now(), vector_store_id=vector_store_id, status="in_progress"
    )
    await db.once(lambda _: batch, _add_batch, batch, entries)
    db.index()
    return said(await vector_stores.read_batch(db.db, await db.row(VectorStoreFileBatch, batch.id)))


@router.get("/file_batches/{batch_id}", operation_id="getVectorStoreFileBatch", response_model=VectorStoreFileBatch)
async def retrieve_batch(vector_store_id: StoreId, batch_id: BatchId, db: Db) -> Response:
    row = await db.row(VectorStoreFileBatch, batch_id, vector_store_id=vector_store_id)
    return said(await vector_stores.read_batch(db.db, row))


@router.post(
    "/file_batches/{batch_id}/cancel", operation_id="cancelVectorStoreFileBatch", response_model=VectorStoreFileBatch
)
async def cancel_batch(vector_store_id: StoreId, batch_id: BatchId, db: Db) -> Response:
    row = await db.row(VectorStoreFileBatch, batch_id, vector_store_id=vector_store_id)
    await db.expect_new()
    batch = await vector_stores.read_batch(db.db, row)
    if batch.status != "in_progress":
        raise Refused(Failure(400, f"Cannot cancel file batch with status '{batch.status}'."))
    await db.once(itself, _cancel, batch)
    return said(await vector_stores.read_batch(db.db, await db.row(VectorStoreFileBatch, batch_id)))


@router.get(
    "/file_batches/{batch_id}/files",
    operation_id="listFilesInVectorStoreBatch",
    response_model=ListPage[VectorStoreFile],
)
async def list_batch(
    vector_store_id: StoreId, batch_id: BatchId, db: Db, window: Listing, status: Status = None
) -> Response:
    await db.row(VectorStoreFileBatch, batch_id, vector_store_id=vector_store_id)
    return await page(
        db, VectorStoreFile, window, where={"batch_id": batch_id, **({"status": status} if status else {})}
    )


def _add_batch(tx: Transaction, batch: VectorStoreFileBatch, entries: Sequence[VectorStoreFile]) -> None:
    store.add(tx, batch)
    references.put_files(tx, entries, batch.id)


def _cancel(tx: Transaction, batch: VectorStoreFileBatch) -> VectorStoreFileBatch:
    chunks.cancel_batch(tx, batch.id)
    cancelled = batch.model_copy(update={"status": "cancelled"})
    store.replace(tx, cancelled)
    return cancelled


def _set_attributes(tx: Transaction, store_id: str, file_id: str, attributes: dict[str, Any]) -> VectorStoreFile:
    row = chunks.file_row(tx, store_id, file_id)
    if row is None:
        raise Refused(store.missing(VectorStoreFile, file_id))
    file = from_row(VectorStoreFile, row).model_copy(update={"attributes": attributes})
    chunks.save_body(tx, store_id, file_id, to_row(file)["body"])
    return file
