"""The simulator as one server on loopback: REST, gateway, control API and page on one port."""

import asyncio
from pathlib import Path

from aiohttp import web

from tests.simulators.common.http import add_page
from tests.simulators.discord.audience import Audience
from tests.simulators.discord.control import Control
from tests.simulators.discord.gateway import Gateway
from tests.simulators.discord.rest import BASE, REQUEST_LIMIT, Rest
from tests.simulators.discord.world import World

PAGE = Path(__file__).with_name("page")


class Server:
    """One running server. The addresses are set once it listens."""

    def __init__(self, *, token: str) -> None:
        self.world = World(token=token)
        audience = self._audience = Audience(self.world)
        self._gateway = Gateway(self.world, audience)
        self._rest = Rest(self.world, audience)
        self._runner: web.AppRunner | None = None
        self._archiving: asyncio.Task[None] | None = None

    @property
    def address(self) -> str:
        return self.world.address

    @property
    def api(self) -> str:
        return self.world.address + BASE

    async def start(self, port: int) -> None:
        self._runner = web.AppRunner(self._app(), access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        self._archiving = asyncio.create_task(self._audience.archive())
        self.world.address = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        if self._archiving is not None:
            self._archiving.cancel()
        await self._gateway.close()
        if self._runner is not None:
            await self._runner.cleanup()

    def _app(self) -> web.Application:
        app = web.Application(client_max_size=REQUEST_LIMIT)
        self._rest.add_to(app)
        for path in ("/gateway/", "/resume/"):
            app.router.add_get(path, self._gateway.connect)
        app.router.add_routes(Control(self.world, self._audience, self._gateway, self._rest).routes())
        add_page(app, PAGE)
        return app
