"""The Assistants API as an ASGI app on a store and its models."""

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

# Seconds in which a server that leaves may be followed by its next one.
RETRY_AFTER = "2"


class Service:
    """The API in one process. `app` serves it under `/v1`; who may call it is the caller's affair."""

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
        """Take up the runs and the files that were interrupted."""
        await self._housekeeping.start()
        self._indexer.start()
        if self._meaning:
            self._meaning.start()
        await self._toolbox.start()
        await self.runner.resume()

    async def drain(self, grace: float) -> None:
        """Begin no more runs, and give those that work this many seconds to end; what has not ended goes on later."""
        await self.runner.drain(grace)

    async def stop(self) -> None:
        """Leave the runs for the next start, and the models for good."""
        await self.runner.stop()
        await self._toolbox.stop()
        await self._indexer.stop()
        if self._meaning:
            await self._meaning.stop()
        await self._housekeeping.stop()
        await self.models.aclose()


def create_service(database: Database, models: Models, *tools: ServerTool, embedder: Embedder | None = None) -> Service:
    """The service, with tools of the API that it uses itself; with an `embedder` files are found by meaning, too."""
    return Service(database, models, *tools, embedder=embedder)


def _app() -> FastAPI:
    # Runs are asked for most, and come before the threads, whose addresses would take "runs" for the id of one. The
    # list is flat, since routers within routers are gone through twice.
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
        # Nothing was begun: whoever asks again reaches the server that comes after this one.
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
    # What failed is logged by the server that runs the app; the client learns only that something did.
    logger.error("%s %s failed", request.method, request.url.path)
    return _answer(server_failed())
