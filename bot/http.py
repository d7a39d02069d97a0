"""The ASGI application: mounts the pages, the API and the health check, and guards the pages."""

import hashlib
import hmac
from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import parse_qs, urlsplit

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.settings import Settings

COOKIE = "threadline_session"
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
OPEN = frozenset({"/healthz"})

LOGIN = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Threadline</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<body><main><h1>Threadline</h1><p>{message}</p>{form}</main></body></html>"""
LOCKED_DOWN = {"content-security-policy": "default-src 'none'; form-action 'self'; frame-ancestors 'none'"}
FORM = """<form method="post" action="/login"><label>Admin token
<input type="password" name="token" autofocus required></label> <button>Open</button></form>"""


def create_app(settings: Settings, *, routes: Sequence[BaseRoute], api: ASGIApp | None) -> ASGIApp:
    """The application of Threadline's port. `api` serves /v1 and checks its keys itself."""
    pages = Starlette(
        routes=[Route("/healthz", _healthz), Route("/login", _login(settings), methods=["POST"]), *routes],
        exception_handlers={404: _nothing},
    )
    return _Port(PageGuard(pages, settings), api)


async def _healthz(_: Request) -> Response:
    """Report that the process is alive, whatever the state of its dependencies."""
    return PlainTextResponse("ok")


async def _nothing(request: Request, _: Exception) -> Response:
    return _refused(request.scope, 404, "There is nothing at this address.", '<p><a href="/">Open Threadline</a></p>')


class _Port:
    """Routes /v1 to the API and everything else to the pages."""

    def __init__(self, pages: ASGIApp, api: ASGIApp | None) -> None:
        self._pages = pages
        self._api = api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._api and scope["type"] == "http" and (scope["path"] == "/v1" or scope["path"].startswith("/v1/")):
            await self._api(scope, receive, send)
        else:
            await self._pages(scope, receive, send)


class PageGuard:
    """Checks Host and Origin of every page request, and requires the admin token if other machines can reach it."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        public = urlsplit(settings.public_url)
        self._public = public.netloc
        self._hosts = LOOPBACK | {settings.host, public.hostname or ""} - {"", "0.0.0.0", "::"}  # noqa: S104 - excluded
        self._token = settings.threadline_admin_token.get_secret_value()
        self._exposed = not settings.is_loopback or bool(public.hostname and public.hostname not in LOOPBACK)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] not in OPEN and (refusal := self._refusal(scope)):
            await refusal(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _refusal(self, scope: Scope) -> Response | None:
        host = _header(scope, b"host")
        if _hostname(host) not in self._hosts:
            return _refused(scope, 400, "This address is not one of Threadline's; set PUBLIC_URL to the one you use.")
        origin = _header(scope, b"origin")
        if origin and (urlsplit(origin).netloc or origin) not in (host, self._public):
            return _refused(scope, 403, "This request came from another site.")
        if not self._token:
            closed = "The chat is closed because other machines can reach it. Set THREADLINE_ADMIN_TOKEN to open it."
            return _refused(scope, 403, closed) if self._exposed else None
        if scope["path"] == "/login" or _admitted(scope, self._token):
            return None
        return _refused(scope, 401, "Enter the admin token.", form=FORM)


def _login(settings: Settings) -> Callable[[Request], Awaitable[Response]]:
    token = settings.threadline_admin_token.get_secret_value()

    async def login(request: Request) -> Response:
        given = parse_qs((await request.body()).decode("utf-8", "replace")).get("token", [""])[0]
        if not token or not _same(given, token):
            message = "Wrong admin token. It is the value of THREADLINE_ADMIN_TOKEN."
            return _plain_page(message, FORM, 401)
        response = RedirectResponse("/", 303)
        secure = settings.public_url.startswith("https:")
        response.set_cookie(
            COOKIE, _session(token), httponly=True, samesite="strict", secure=secure, max_age=30 * 86400
        )
        return response

    return login


def _admitted(scope: Scope, token: str) -> bool:
    scheme, _, given = _header(scope, b"authorization").partition(" ")
    if scheme.lower() == "bearer" and _same(given, token):
        return True
    return _same(Request(scope).cookies.get(COOKIE, ""), _session(token))


def _session(token: str) -> str:
    """The value of the cookie: it proves knowledge of the token without containing it."""
    return hmac.new(token.encode(), b"threadline page session", hashlib.sha256).hexdigest()


def _refused(scope: Scope, status: int, message: str, form: str = "") -> Response:
    if "text/html" in _header(scope, b"accept"):
        return _plain_page(message, form, status)
    return JSONResponse({"error": message}, status)


def _plain_page(message: str, form: str, status: int) -> Response:
    return HTMLResponse(LOGIN.format(message=message, form=form), status, headers=LOCKED_DOWN)


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(), expected.encode())


def _header(scope: Scope, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")


def _hostname(host: str) -> str:
    return urlsplit(f"//{host}").hostname or ""
