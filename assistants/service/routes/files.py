"""Files: upload, list, get, download, delete."""

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response, StreamingResponse
from pydantic import ValidationError
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException

from assistants.contract import CreateFile, Deleted, File, ListPage, from_validation, invalid, missing_parameter
from assistants.service import files
from assistants.service.refusals import Refused
from assistants.service.routes.common import V1, Db, expect_limit, form_body, page, said
from storage.objects import Order, Window

router = APIRouter(prefix=f"{V1}/files")

BYTES: Any = {200: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}}
FILE_FORM = form_body("file", CreateFile)
# The API allows all files in one page.
MOST_LISTED = 10_000


async def form_of(request: Request) -> FormData:
    """Return the request's form. Refuses anything else."""
    try:
        return await request.form(max_files=1, max_fields=20)
    except HTTPException:
        raise Refused(invalid("body", "it is no form that can be read")) from None


def file_of(form: FormData, name: str) -> UploadFile:
    given = form.get(name)
    if given is None:
        raise Refused(missing_parameter(name))
    if not isinstance(given, UploadFile):
        raise Refused(invalid(name, "expected a file, but got text instead", code="invalid_type"))
    return given


@router.post("", operation_id="createFile", response_model=File, openapi_extra=FILE_FORM)
async def create(request: Request, db: Db) -> Response:
    form = await form_of(request)
    try:
        source = file_of(form, "file")
        asked = _asked(form)
        return said(await files.create(db.asking(asked.wire()), asked, source.filename or "file", source))
    finally:
        await form.close()


@router.get("", operation_id="listFiles", response_model=ListPage[File])
async def list_all(
    db: Db,
    limit: str = str(MOST_LISTED),
    order: Order = "desc",
    after: str | None = None,
    purpose: Annotated[str | None, Query()] = None,
) -> Response:
    window = Window(expect_limit(limit, MOST_LISTED), order, after or None)
    return await page(db, File, window, where={"purpose": purpose} if purpose else {})


@router.get("/{file_id}", operation_id="retrieveFile", response_model=File)
async def retrieve(file_id: str, db: Db) -> Response:
    return said(await db.find(File, file_id))


@router.get("/{file_id}/content", operation_id="downloadFile", response_class=StreamingResponse, responses=BYTES)
async def download(file_id: str, db: Db) -> Response:
    row = await db.row(File, file_id)
    headers = {
        "content-length": str(row["bytes"]),
        "content-disposition": f"attachment; filename*=utf-8''{quote(row['filename'], safe='')}",
    }
    return StreamingResponse(files.content(db.db, row), media_type="application/octet-stream", headers=headers)


@router.delete("/{file_id}", operation_id="deleteFile", response_model=Deleted)
async def delete(file_id: str, db: Db) -> Response:
    await files.delete(db.db, await db.row(File, file_id))
    return said(Deleted(id=file_id, object="file"))


def _asked(form: FormData) -> CreateFile:
    """Return the form's fields; nested ones are named like `expires_after[seconds]`."""
    body: dict[str, Any] = {}
    for name, value in form.multi_items():
        if name == "file" or not isinstance(value, str):
            continue
        outer, bracket, inner = name.partition("[")
        if bracket:
            body.setdefault(outer, {})[inner.rstrip("]")] = int(value) if value.isdecimal() else value
        else:
            body[name] = value
    try:
        return CreateFile.model_validate(body)
    except ValidationError as error:
        raise Refused(from_validation(error, body)) from None
