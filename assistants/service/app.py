"""The Assistants API as an ASGI app, on a database and a set of models."""

import logging

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from assistants.contract import Failure, from_validation, no_such_route, server_failed
from assistants.service.access import Answered
from assistants.service.embedding import Embedder
from assistants.service.housekeeping import Housekeeping
from assistants.service.indexing import Indexer
from assistants.service.meaning import Meaning
from assistants.service.models import Models
from assistants.service.openapi import describe
from assistants.service.refusals import Refused
from assistants.service.routes import (
    assistants,
    files,
    messages,
    models,
    runs,
    store_files,
    threads,
    uploads,
    vector_stores,
)
from assistants.service.runner import Runner
from assistants.service.searching import Searcher
from assistants.service.tools.file_search import FileSearchHere
from assistants.service.tools.server_tool import ServerTool, Toolbox
from storage.database import Database

logger = logging.getLogger(__name__)

# Seconds until a restarted server may be ready.
RETRY_AFTER = "2"


class Service:
    """The API in one process. `app` serves it under `/v1` without access control (see `Guard`)."""

    def __init__(
        self, database: Database, models: Models, *tools: ServerTool, embedder: Embedder | None = None
    ) -> None:
        self.models = models
        self._meaning = Meaning(database, embedder) if embedder else None
        searcher = Searcher(database, self._meaning)
        self._toolbox = Toolbox(*tools, FileSearchHere(database, searcher))
        self.runner = Runner(database, models, self._toolbox)
        self.app = _app()
        self.app.state.database = database
        self.app.state.models = models
        self.app.state.runner = self.runner
        self.app.state.searcher = searcher
        self._indexer = self.app.state.indexer = Indexer(database, self._meaning)
        self._housekeeping = Housekeeping(database, models)

    async def start(self) -> None:
        """Resume interrupted runs and file indexing."""
        await self._housekeeping.start()
        self._indexer.start()
        if self._meaning:
            self._meaning.start()
        await self._toolbox.start()
        await self.runner.resume()

    async def drain(self, grace: float) -> None:
        """Start no more runs and wait up to `grace` seconds for active ones; the rest resume at the next start."""
        await self.runner.drain(grace)

    async def stop(self) -> None:
        """Stop all work and close the models; unfinished runs resume at the next start."""
        await self.runner.stop()
        await self._toolbox.stop()
        await self._indexer.stop()
        if self._meaning:
            await self._meaning.stop()
        await self._housekeeping.stop()
        await self.models.aclose()


def create_service(database: Database, models: Models, *tools: ServerTool, embedder: Embedder | None = None) -> Service:
    """Create the service. `tools` are run by the server itself; an `embedder` adds semantic file search."""
    return Service(database, models, *tools, embedder=embedder)


def _app() -> FastAPI:
    # Runs are requested most, and must come before threads, whose routes would take "runs" for a thread id. The list
    # is flat because nested routers are searched twice.
    routers = (runs, messages, threads, assistants, files, uploads, store_files, vector_stores, models)
    routes = [route for routes in routers for route in routes.router.routes]
    app = FastAPI(
        title="Threadline",
        routes=routes,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        separate_input_output_schemas=False,
    )
    describe(app)
    app.exception_handler(Answered)(_answered)
    app.exception_handler(Refused)(_refused)
    app.exception_handler(RequestValidationError)(_malformed)
    app.exception_handler(HTTPException)(_elsewhere)
    app.exception_handler(Exception)(_failed)
    return app


def _answer(failure: Failure) -> Response:
    return JSONResponse(failure.body().wire(), status_code=failure.status)


async def _refused(_: Request, error: Refused) -> Response:
    answer = _answer(error.failure)
    if error.failure.status == 503:
        # Nothing was started, so the client may safely retry against the restarted server.
        answer.headers.update({"x-should-retry": "true", "retry-after": RETRY_AFTER})
    return answer


async def _answered(_: Request, before: Answered) -> Response:
    return Response(before.body, media_type="application/json", headers={"idempotent-replayed": "true"})


async def _malformed(_: Request, error: RequestValidationError) -> Response:
    return _answer(from_validation(error, error.body))


async def _elsewhere(request: Request, error: HTTPException) -> Response:
    if error.status_code == 405:
        return _answer(
            Failure(405, f"Not allowed to {request.method} on {request.url.path}.", code="method_not_supported")
        )
    if error.status_code == 404:
        return _answer(no_such_route(request.method, request.url.path))
    return _answer(Failure(error.status_code, str(error.detail)))


async def _failed(request: Request, _: Exception) -> Response:
    # The ASGI server logs the exception; the client learns only that the request failed.
    logger.error("%s %s failed", request.method, request.url.path)
    return _answer(server_failed())
