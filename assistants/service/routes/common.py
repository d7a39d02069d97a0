"""Shared parts of the routes: dependencies, id and list parameters, response formats."""

from collections.abc import AsyncIterable, Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Request
from fastapi.responses import Response, StreamingResponse
from fastapi.routing import APIRoute
from pydantic import AfterValidator

from assistants.contract import (
    ACTIVE,
    BETA,
    BETA_HEADER,
    ListPage,
    Run,
    VectorStore,
    VectorStoreFile,
    VectorStoreFileBatch,
    Wire,
    beta_header_missing,
    invalid,
    unknown_parameter,
)
from assistants.contract import Request as Contract
from assistants.service.access import Access, Caller
from assistants.service.models import Models
from assistants.service.refusals import Refused, expect_id
from assistants.service.rows import TABLES, from_row
from assistants.service.runner import Runner
from assistants.service.searching import Searcher
from assistants.service.store import missing
from storage import objects
from storage.database import Database, Row
from storage.objects import Order, Window

W = TypeVar("W", bound=Wire)

V1 = "/v1"
# The polling interval suggested to clients, in milliseconds.
POLL_AFTER = "250"
# The scope key under which the guard passes the caller.
CALLER = "threadline.caller"
LONGEST_KEY = 255
ONCE_HEADER = "Idempotency-Key"


def _query_of(route: APIRoute) -> set[str]:
    """Return the query parameters of a route and its dependencies."""
    names, waiting = set(), [route.dependant]
    while waiting:
        dependant = waiting.pop()
        names |= {field.alias for field in dependant.query_params}
        waiting += dependant.dependencies
    return names


def _expect_known(request: Request) -> None:
    """Refuse unknown query parameters, as bodies refuse unknown fields."""
    if request.scope["query_string"]:
        known = _query_of(request.scope["route"])
        for name in request.query_params:
            if name not in known:
                raise Refused(unknown_parameter(name))


async def _access(request: Request) -> Access:
    _expect_known(request)
    database: Database = request.app.state.database
    caller: Caller = request.scope.get(CALLER) or Caller()
    access = Access(database, caller.project, request.app.state.indexer.wake)
    idempotency_key = request.headers.get(ONCE_HEADER)
    if request.method != "POST" or not idempotency_key:
        return access
    if len(idempotency_key) > LONGEST_KEY:
        raise Refused(invalid(ONCE_HEADER, f"it is longer than {LONGEST_KEY} characters"))
    # The bytes of a form differ each time it is sent: what it holds is told by its route.
    form = request.headers.get("content-type", "").startswith("multipart/")
    asked = b"" if form else await request.body()
    return replace(access, idempotency_key=idempotency_key).asking(request.url.path, asked)


async def _beta(request: Request) -> Access:
    """The same for a request that requires the beta header, which may also name other betas."""
    if BETA not in [part.strip() for part in request.headers.get(BETA_HEADER, "").split(",")]:
        raise Refused(beta_header_missing())
    return await _access(request)


async def _runner(request: Request) -> Runner:
    runner: Runner = request.app.state.runner
    return runner


async def _searcher(request: Request) -> Searcher:
    searcher: Searcher = request.app.state.searcher
    return searcher


async def _models(request: Request) -> Models:
    _expect_known(request)
    models: Models = request.app.state.models
    return models


def expect_limit(limit: str, most: int) -> int:
    if not limit.lstrip("-").isdecimal() or not limit.isascii():
        why = f"expected an integer, but got '{limit}' instead"
        raise Refused(invalid("limit", why, code="invalid_type"))
    for wrong, side, sign, bound in (
        (int(limit) < 1, "below min", ">=", 1),
        (int(limit) > most, "above max", "<=", most),
    ):
        if wrong:
            why = f"integer {side}imum value. Expected a value {sign} {bound}, but got {int(limit)} instead"
            raise Refused(invalid("limit", why, code=f"integer_{side.replace(' ', '_')}_value"))
    return int(limit)


async def _window(
    limit: str = "20", order: Order = "desc", after: str | None = None, before: str | None = None
) -> Window:
    return Window(expect_limit(limit, 100), order, after or None, before or None)


Db = Annotated[Access, Depends(_access)]
BetaDb = Annotated[Access, Depends(_beta)]
Runs = Annotated[Runner, Depends(_runner)]
Registry = Annotated[Models, Depends(_models)]
Search = Annotated[Searcher, Depends(_searcher)]
Listing = Annotated[Window, Depends(_window)]


def _id(parameter: str, prefix: str) -> Any:
    return Annotated[str, AfterValidator(lambda value: expect_id(parameter, value, prefix))]


AssistantId = _id("assistant_id", "asst")
ThreadId = _id("thread_id", "thread")
MessageId = _id("message_id", "msg")
RunId = _id("run_id", "run")
StepId = _id("step_id", "step")
UploadId = _id("upload_id", "upload")
StoreId = _id("vector_store_id", "vs")
BatchId = _id("batch_id", "vsfb")


def said(thing: Wire) -> Response:
    """Return an object as a response."""
    poll = {"openai-poll-after-ms": POLL_AFTER} if _goes_on(thing) else {}
    return Response(thing.wire_json(), media_type="application/json", headers=poll)


def _goes_on(thing: Wire) -> bool:
    if isinstance(thing, Run):
        return thing.status in ACTIVE
    if isinstance(thing, VectorStore | VectorStoreFile | VectorStoreFileBatch):
        return thing.status == "in_progress"
    return False


def streamed(reader: AsyncIterable[str] | None, run: Run) -> Response:
    """Return a run as a response: its stream if there is one, else the object."""
    if reader is None:
        return said(run)
    return StreamingResponse(aiter(reader), media_type="text/event-stream", headers={"cache-control": "no-store"})


def form_body(file: str, fields: type[Contract] | None = None) -> dict[str, Any]:
    """Return the OpenAPI description of a form that its route parses: a file and other fields."""
    said = fields.model_json_schema(ref_template="#/components/schemas/{model}") if fields else {}
    schema = {
        "type": "object",
        "properties": {file: {"type": "string", "format": "binary"}, **said.get("properties", {})},
        "required": [file, *said.get("required", ())],
    }
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}


async def page(
    access: Access,
    kind: type[W],
    window: Window,
    *,
    where: Mapping[str, str] | None = None,
    read: Callable[[list[Row]], Awaitable[Sequence[W]]] | None = None,
) -> Response:
    """Return a page of a list as a response."""
    table = TABLES[kind]
    owned = {"project": access.project} if table in objects.ROOTS else {}
    try:
        found = await objects.page(access.db, table, window, **(where or {}), **owned)
    except objects.UnknownCursorError as error:
        raise Refused(missing(kind, error.cursor)) from None
    data = await read(found.rows) if read else [from_row(kind, row) for row in found.rows]
    first, last = (found.rows[0]["id"], found.rows[-1]["id"]) if found.rows else (None, None)
    return said(_pages_of(kind)(data=list(data), first_id=first, last_id=last, has_more=found.more))


@cache
def _pages_of(kind: type[W]) -> type[ListPage[W]]:
    """The type of a page of one kind: pydantic writes only what the type it was told has, and is slow to make one."""
    return ListPage[kind]  # type: ignore[valid-type]
