"""The simulator as one server on loopback: Web API, sockets, control API and page on one port."""

from pathlib import Path

from aiohttp import web

from tests.simulators.common.control import Instruments
from tests.simulators.slack.control import Control
from tests.simulators.slack.socket_mode import SocketMode
from tests.simulators.slack.web_api import WebApi
from tests.simulators.slack.world import World

PAGE = Path(__file__).with_name("page")


class Server:
    """One running workspace. `address` is set once it listens."""

    def __init__(self, *, bot_token: str, app_token: str) -> None:
        self.world = World(bot_token=bot_token, app_token=app_token)
        self.sockets = SocketMode(self.world)
        self.address = ""
        self._runner: web.AppRunner | None = None

    async def start(self, port: int) -> None:
        self._runner = web.AppRunner(self._app(), access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        self.address = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        self.sockets.address = self.address.replace("http", "ws", 1)

    async def stop(self) -> None:
        await self.sockets.close()
        if self._runner is not None:
            await self._runner.cleanup()

    def _app(self) -> web.Application:
        app = web.Application()
        app.router.add_route("*", "/api/{method}", WebApi(self.world, self.sockets).handle)
        app.router.add_get("/link/", self.sockets.connect)
        app.router.add_routes(Instruments(self.world, lambda: self.world.state().json()).routes())
        app.router.add_routes(Control(self.world, self.sockets).routes())
        app.router.add_get("/", _page)
        app.router.add_static("/page/", PAGE)
        return app


async def _page(request: web.Request) -> web.FileResponse:
    return web.FileResponse(PAGE / "index.html")
