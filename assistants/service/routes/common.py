"""What all routes share: what they may ask for, how ids and lists are read, how answers are written."""

from typing import Annotated, TypeVar

from fastapi import Depends, Header, Request
from fastapi.responses import Response, StreamingResponse
from pydantic import AfterValidator

from assistants.contract import (
    ACTIVE,
    BETA,
    BETA_HEADER,
    ListPage,
    Run,
    Thread,
    Wire,
    beta_header_missing,
    invalid,
    no_such,
)
from assistants.service.feed import Reader
from assistants.service.models import Models
from assistants.service.refusals import Refused, expect_id
from assistants.service.rows import TABLES, from_row
from assistants.service.runner import Runner
from assistants.service.store import NAMES
from storage import objects
from storage.database import Database
from storage.objects import Order, Window

W = TypeVar("W", bound=Wire)

# A run that was not streamed is asked after this often, in milliseconds.
POLL_AFTER = "250"


async def _database(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


async def _runner(request: Request) -> Runner:
    runner: Runner = request.app.state.runner
    return runner


async def _models(request: Request) -> Models:
    models: Models = request.app.state.models
    return models


async def beta(said: Annotated[str | None, Header(alias=BETA_HEADER)] = None) -> None:
    """Refuse a request without the beta header; a client may name other betas beside it."""
    if BETA not in [part.strip() for part in (said or "").split(",")]:
        raise Refused(beta_header_missing())


async def _window(
    limit: str = "20", order: Order = "desc", after: str | None = None, before: str | None = None
) -> Window:
    if not limit.lstrip("-").isdecimal():
        why = f"expected an integer, but got '{limit}' instead"
        raise Refused(invalid("limit", why, code="invalid_type"))
    for wrong, side, sign, bound in (
        (int(limit) < 1, "below min", ">=", 1),
        (int(limit) > 100, "above max", "<=", 100),
    ):
        if wrong:
            why = f"integer {side}imum value. Expected a value {sign} {bound}, but got {int(limit)} instead"
            raise Refused(invalid("limit", why, code=f"integer_{side.replace(' ', '_')}_value"))
    return Window(int(limit), order, after or None, before or None)


Db = Annotated[Database, Depends(_database)]
Runs = Annotated[Runner, Depends(_runner)]
Registry = Annotated[Models, Depends(_models)]
Listing = Annotated[Window, Depends(_window)]

AssistantId = Annotated[str, AfterValidator(lambda value: expect_id("assistant_id", value, "asst"))]
ThreadId = Annotated[str, AfterValidator(lambda value: expect_id("thread_id", value, "thread"))]
MessageId = Annotated[str, AfterValidator(lambda value: expect_id("message_id", value, "msg"))]
RunId = Annotated[str, AfterValidator(lambda value: expect_id("run_id", value, "run"))]
StepId = Annotated[str, AfterValidator(lambda value: expect_id("step_id", value, "step"))]


def said(thing: Wire) -> Response:
    """An object as an answer."""
    poll = {"openai-poll-after-ms": POLL_AFTER} if isinstance(thing, Run) and thing.status in ACTIVE else {}
    return Response(thing.wire_json(), media_type="application/json", headers=poll)


def streamed(reader: Reader | None, run: Run) -> Response:
    """A run as an answer: its stream if there is one, else the object."""
    if reader is None:
        return said(run)
    return StreamingResponse(aiter(reader), media_type="text/event-stream", headers={"cache-control": "no-store"})


async def find(db: Database, kind: type[W], id_: str, **belongs: str) -> W:
    """An object by id that belongs where its address says, or the API's not-found."""
    row = await objects.find(db, TABLES[kind], id_)
    if row is None or any(row[column] != value for column, value in belongs.items()):
        if "run_id" in belongs:
            await find(db, Run, belongs["run_id"], thread_id=belongs["thread_id"])
        elif "thread_id" in belongs:
            await find(db, Thread, belongs["thread_id"])
        raise Refused(no_such(NAMES[kind], id_))
    return from_row(kind, row)


async def page(db: Database, kind: type[W], window: Window, **where: str) -> Response:
    """A page of a list as an answer."""
    try:
        found = await objects.page(db, TABLES[kind], window, **where)
    except objects.UnknownCursorError as error:
        raise Refused(no_such(NAMES[kind], error.cursor)) from None
    data = [from_row(kind, row) for row in found.rows]
    first, last = (found.rows[0]["id"], found.rows[-1]["id"]) if found.rows else (None, None)
    # pydantic writes only what the type it was told has: the page must know its kind.
    of_kind: type[ListPage[W]] = ListPage[kind]  # type: ignore[valid-type]
    return said(of_kind(data=data, first_id=first, last_id=last, has_more=found.more))
