"""Routes on a real socket of this process, for tests that talk to them as a browser would."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.routing import BaseRoute


@asynccontextmanager
async def serving(
    routes: Sequence[BaseRoute], *, end_watching: Callable[[], None], port: int = 0
) -> AsyncIterator[str]:
    """Serves them; gives their address. `end_watching` lets streams go that would stay open."""
    app = Starlette(routes=routes)
    config = uvicorn.Config(app, host="127.0.0.1", port=port, lifespan="off", log_level="error", access_log=False)
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        end_watching()
        server.force_exit = True  # a test that fails leaves streams open; nobody will end them
        await server.shutdown()
        await asyncio.sleep(0)
