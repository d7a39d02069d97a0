"""The routes of the page and its API.

    GET  /  /c/KEY  /static/…                          the page
    GET  /chat/api/conversations                       the latest conversations
    GET  /chat/api/conversations/KEY                   its last exchanges
    PATCH, DELETE /chat/api/conversations/KEY          {title}: rename it; delete it
    GET  /chat/api/conversations/KEY/events            server-sent events (`listen.py`)
    POST /chat/api/conversations/KEY/messages          {event, text, files}
    GET  /chat/api/conversations/KEY/assistants        the assistants that can answer there
    GET  /chat/api/files                               the limits for files
    POST /chat/api/files?name=NAME                     attach a file before its message is sent
    GET  /chat/api/files/ID                            a file of an answer or a question
    DELETE /chat/api/files/ID                          discard a file whose message is not sent
    GET  /chat/api/models  /chat/api/models/found      the connected model; model servers on this machine
    POST /chat/api/models/connect                      {base_url, api_key, model}

KEY is `web:UUID` or `console:NAME`. A refusal is `{"error": sentence}`, with `"restarting": true` if the program shuts
down: the same request succeeds after the next start.
"""

from collections.abc import Sequence
from pathlib import Path

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from adapters.web.conversations import Conversations
from adapters.web.files import Files
from adapters.web.listen import events
from adapters.web.models import Models
from adapters.web.places import place_of
from adapters.web.requests import BadRequestError
from assistants.connector import AssistantsError
from bot.adapter import Bot, LeavingError, NotClaimedError, NotDoneError

STATIC = Path(__file__).parent / "static"
NOT_KEPT = "Your message could not be saved. Send it again."
RESTARTING = "Threadline is restarting. Send it again when Threadline is back."
HEADERS = {
    "content-security-policy": "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-cache",
}

log = structlog.get_logger()


def page_routes(bot: Bot) -> Sequence[BaseRoute]:
    """The page and its API."""
    return [
        Route("/", _page),
        Route("/c/{key}", _page),
        Mount("/static", app=_WithHeaders(StaticFiles(directory=STATIC))),
        Mount("/chat/api", app=_WithHeaders(_api(bot))),
    ]


async def _page(_: Request) -> Response:
    return FileResponse(STATIC / "index.html", headers=HEADERS)


def _api(bot: Bot) -> Starlette:
    files, models = Files(bot), Models(bot)
    conversations = Conversations(bot, files)

    async def stream(request: Request) -> Response:
        key = place_of(request.path_params["key"]).key
        return StreamingResponse(events(bot, key), media_type="text/event-stream", headers={"x-accel-buffering": "no"})

    return Starlette(
        routes=[
            Route("/conversations", conversations.latest),
            Route("/conversations/{key}", conversations.transcript),
            Route("/conversations/{key}", conversations.rename, methods=["PATCH"]),
            Route("/conversations/{key}", conversations.delete, methods=["DELETE"]),
            Route("/conversations/{key}/events", stream),
            Route("/conversations/{key}/messages", conversations.post, methods=["POST"]),
            Route("/conversations/{key}/assistants", conversations.assistants),
            Route("/files", files.limits),
            Route("/files", files.attach, methods=["POST"]),
            Route("/files/{id}", files.show),
            Route("/files/{id}", files.discard, methods=["DELETE"]),
            Route("/models", models.status),
            Route("/models/found", models.found),
            Route("/models/connect", models.connect, methods=["POST"]),
        ],
        exception_handlers={
            BadRequestError: _bad_request,
            LeavingError: _restarting,
            NotClaimedError: _not_kept,
            NotDoneError: _not_done,
            AssistantsError: _no_service,
            HTTPException: _http_error,
        },
    )


async def _bad_request(_: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, 400)


async def _not_kept(_: Request, __: Exception) -> Response:
    return JSONResponse({"error": NOT_KEPT}, 503)


async def _restarting(_: Request, __: Exception) -> Response:
    return JSONResponse({"error": RESTARTING, "restarting": True}, 503)


async def _not_done(_: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, 409)


async def _no_service(request: Request, error: Exception) -> Response:
    log.warning("page request failed", path=request.url.path, error=str(error))
    return JSONResponse({"error": str(error)}, 502)


async def _http_error(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    sentence = {404: "There is nothing at this address.", 405: f"{request.method} is not possible here."}
    return JSONResponse({"error": sentence.get(status, "This is not possible.")}, status)


class _WithHeaders:
    """Adds the page's headers to every response of an application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                extra = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
                message = {**message, "headers": [*message["headers"], *extra]}
            await send(message)

        await self._app(scope, receive, with_headers)
