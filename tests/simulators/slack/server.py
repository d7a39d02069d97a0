"""The simulator as one server on loopback: Web API, sockets, files, control API and page on one port."""

from pathlib import Path

from aiohttp import web

from tests.simulators.common.control import Instruments
from tests.simulators.common.http import add_page
from tests.simulators.slack.control.clicks import Clicks
from tests.simulators.slack.control.people import People
from tests.simulators.slack.control.wire import Wire
from tests.simulators.slack.records import Fault
from tests.simulators.slack.site import Site
from tests.simulators.slack.uploads import MOST, Uploads
from tests.simulators.slack.web_api import WebApi
from tests.simulators.slack.world import World

PAGE = Path(__file__).with_name("page")


class Server:
    """One running workspace. `address` is set once it listens."""

    def __init__(self, *, bot_token: str, app_token: str) -> None:
        self.world = World(bot_token=bot_token, app_token=app_token)
        self._site = Site(self.world)
        self._runner: web.AppRunner | None = None

    @property
    def address(self) -> str:
        return self._site.address

    async def start(self, port: int) -> None:
        self._runner = web.AppRunner(self._app(), access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        self._site.address = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        await self._site.deliveries.close()
        if self._runner is not None:
            await self._runner.cleanup()

    def _app(self) -> web.Application:
        app, site = web.Application(client_max_size=MOST), self._site
        app.router.add_route("*", "/api/{method}", WebApi(site).handle)
        app.router.add_get("/link/", site.sockets.connect)
        app.router.add_post("/response/{name}", site.response_urls.handle)
        for part in (Instruments(self.world, Fault, lambda: self.world.state().json()), Uploads(site)):
            app.router.add_routes(part.routes())
        for actions in (People(site), Clicks(site), Wire(site)):
            app.router.add_routes(actions.routes())
        add_page(app, PAGE)
        return app
