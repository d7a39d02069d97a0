"""The base of the adapters whose surfaces run in this process: page and terminal."""

import asyncio
import uuid
from collections.abc import Sequence
from typing import Self

from starlette.routing import BaseRoute

from bot.adapter import Bot, Reply, Turn
from bot.incoming import Place
from bot.settings import Settings


class LocalAdapter:
    """An adapter whose people connect to Threadline's port. It needs no configuration and keeps no state."""

    name: str

    def __init__(self) -> None:
        self._bot: Bot | None = None

    @classmethod
    def from_settings(cls, settings: Settings) -> Self | None:  # noqa: ARG003 - the protocol's shape
        return cls()

    async def connect(self) -> None:
        """Nothing to connect to."""

    async def listen(self, bot: Bot) -> None:  # noqa: ARG002 - what people write comes in by the routes
        """Wait until cancelled."""
        await asyncio.Event().wait()

    def routes(self, bot: Bot) -> Sequence[BaseRoute]:
        self._bot = bot
        return []

    def reply(self, turn: Turn) -> Reply:
        if self._bot is None:
            raise RuntimeError(f"{self.name} is not mounted: routes() comes before the first reply")
        return self._bot.local_reply(turn)

    def new_place(self, place: Place) -> Place:
        """Another conversation next to this one."""
        name = str(uuid.uuid4())
        return Place(f"{self.name}:{name}", self.name, place.workspace, place.channel, name)

    async def close(self) -> None:
        """Nothing to close."""
