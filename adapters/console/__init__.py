"""The console adapter: conversations held in a terminal, with `threadline chat`."""

import asyncio
import uuid
from collections.abc import Sequence
from typing import Self

from starlette.routing import BaseRoute

from bot.adapter import Bot, Reply, Turn
from bot.incoming import Place
from bot.settings import Settings

__all__ = ["ConsoleAdapter"]


class ConsoleAdapter:
    """Conversations of a terminal. The terminal itself is a client of the page's API, so both can show the same one."""

    name = "console"

    def __init__(self) -> None:
        self._bot: Bot | None = None

    @classmethod
    def from_settings(cls, settings: Settings) -> Self | None:  # noqa: ARG003 - the protocol's shape
        return cls()

    async def connect(self) -> None:
        """Nothing to reach: the terminal comes to us."""

    async def listen(self, bot: Bot) -> None:  # noqa: ARG002 - lines come in by the page's routes
        """Wait until cancelled."""
        await asyncio.Event().wait()

    def routes(self, bot: Bot) -> Sequence[BaseRoute]:
        self._bot = bot
        return []

    def reply(self, turn: Turn) -> Reply:
        if self._bot is None:
            raise RuntimeError("the terminal is not mounted: routes() comes before the first reply")
        return self._bot.local_reply(turn)

    def new_place(self, place: Place) -> Place:
        """A fresh conversation beside this one."""
        name = str(uuid.uuid4())
        return Place(f"console:{name}", "console", place.workspace, place.channel, name)

    async def close(self) -> None:
        """Nothing is held open."""
