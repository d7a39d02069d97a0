"""Small things every simulator's server does: drop a connection, serve its page."""

import asyncio
from pathlib import Path

from aiohttp import web

PAGE = Path(__file__).with_name("page")


def lost(request: web.Request) -> web.StreamResponse:
    """Drops the connection without an answer."""
    if request.transport is not None:
        request.transport.abort()
    raise asyncio.CancelledError


def add_page(app: web.Application, folder: Path) -> None:
    """The page of one platform at `/`, what the pages share under `/common/`."""

    async def index(request: web.Request) -> web.FileResponse:
        return web.FileResponse(folder / "index.html")

    app.router.add_get("/", index)
    app.router.add_static("/page/", folder)
    app.router.add_static("/common/", PAGE)
