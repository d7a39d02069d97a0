"""The web adapter: the page people open in a browser, and the JSON API beneath it."""

import asyncio
import uuid
from collections.abc import Sequence
from typing import Self

from starlette.routing import BaseRoute

from adapters.web.places import web_place
from adapters.web.routes import page_routes
from bot.adapter import Bot, Reply, Turn
from bot.incoming import Place
from bot.settings import Settings

__all__ = ["WebAdapter"]


class WebAdapter:
    """The page. It needs no configuration, and keeps nothing: the thread and the turn are what lasts."""

    name = "web"

    def __init__(self) -> None:
        self._bot: Bot | None = None

    @classmethod
    def from_settings(cls, settings: Settings) -> Self | None:  # noqa: ARG003 - the protocol's shape
        return cls()

    async def connect(self) -> None:
        """Nothing to reach: people come to the page."""

    async def listen(self, bot: Bot) -> None:  # noqa: ARG002 - messages come in by the routes
        """Wait until cancelled."""
        await asyncio.Event().wait()

    def routes(self, bot: Bot) -> Sequence[BaseRoute]:
        self._bot = bot
        return page_routes(bot)

    def reply(self, turn: Turn) -> Reply:
        if self._bot is None:
            raise RuntimeError("the page is not mounted: routes() comes before the first reply")
        return self._bot.local_reply(turn)

    def new_place(self, place: Place) -> Place:  # noqa: ARG002 - every conversation of the page stands alone
        """A fresh conversation beside this one."""
        return web_place(str(uuid.uuid4()))

    async def close(self) -> None:
        """Nothing is held open."""
