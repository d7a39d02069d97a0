"""Uploads: a file in parts; create, add parts, complete, cancel."""

import json

from fastapi import APIRouter, Request
from fastapi.responses import Response

from assistants.contract import LARGEST_PART, CompleteUpload, CreateUpload, Upload, UploadPart
from assistants.service import files, housekeeping
from assistants.service.access import itself
from assistants.service.files import UPLOAD_SECONDS, expect_pending
from assistants.service.refusals import Refused
from assistants.service.routes.common import V1, Db, UploadId, form_body, said
from assistants.service.routes.files import file_of, form_of
from assistants.service.rows import from_row, new_id, now, to_row
from assistants.service.store import missing
from storage import objects
from storage.database import Transaction

PART_FORM = form_body("data")

router = APIRouter(prefix=f"{V1}/uploads")


@router.post("", operation_id="createUpload", response_model=Upload)
async def create(body: CreateUpload, db: Db) -> Response:
    made = now()
    upload = Upload(
        id=new_id("upload"),
        created_at=made,
        filename=body.filename,
        bytes=body.bytes,
        purpose=body.purpose,
        status="pending",
        expires_at=made + UPLOAD_SECONDS,
    )
    seconds = body.expires_after.seconds if body.expires_after else None
    await db.once(lambda _: upload, _add, upload, seconds, db.project)
    return said(upload)


@router.post("/{upload_id}/parts", operation_id="addUploadPart", response_model=UploadPart, openapi_extra=PART_FORM)
async def add_part(upload_id: UploadId, request: Request, db: Db) -> Response:
    expect_pending(await db.find(Upload, upload_id))
    form = await form_of(request)
    try:
        source = file_of(form, "data")
        part = UploadPart(id=new_id("part"), created_at=now(), upload_id=upload_id)
        size = await files.take_in(db.db, part.id, source, LARGEST_PART)
    finally:
        await form.close()
    try:
        await db.asking(size).once(lambda _: part, _add_part, part, size, db.project)
    except Exception:
        await files.forget_bytes(db.db, part.id)
        raise
    return said(part)


@router.post("/{upload_id}/complete", operation_id="completeUpload", response_model=Upload)
async def complete(upload_id: UploadId, body: CompleteUpload, db: Db) -> Response:
    upload = await db.find(Upload, upload_id)
    if db.idempotency_key is None:
        expect_pending(upload)
    return said(await files.complete(db, upload, body))


@router.post("/{upload_id}/cancel", operation_id="cancelUpload", response_model=Upload)
async def cancel(upload_id: UploadId, db: Db) -> Response:
    await db.row(Upload, upload_id)
    cancelled = await db.once(itself, _cancel, upload_id, db.project)
    await housekeeping.forget_parts(db.db, upload_id)
    return said(cancelled)


def _add(tx: Transaction, upload: Upload, seconds: int | None, project: str) -> None:
    row = to_row(upload, project=project)
    # The file's expiry appears on its own object, once that exists.
    tx.insert("uploads", {**row, "body": json.dumps({**json.loads(row["body"]), "_file_seconds": seconds})})


def _pending(tx: Transaction, upload_id: str, project: str) -> Upload:
    row = objects.get(tx, "uploads", upload_id, project)
    if row is None:
        raise Refused(missing(Upload, upload_id))
    upload = from_row(Upload, row)
    expect_pending(upload)
    return upload


def _add_part(tx: Transaction, part: UploadPart, size: int, project: str) -> None:
    _pending(tx, part.upload_id, project)
    tx.insert("upload_parts", to_row(part, bytes=size))


def _cancel(tx: Transaction, upload_id: str, project: str) -> Upload:
    upload = _pending(tx, upload_id, project).model_copy(update={"status": "cancelled"})
    objects.save(tx, "uploads", to_row(upload))
    return upload
