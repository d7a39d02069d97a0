"""What one REST call is given: the world, who hears of it, its path, query, body and files."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from tests.simulators.discord.audience import Audience
from tests.simulators.discord.errors import refusal
from tests.simulators.discord.records import Channel, Message
from tests.simulators.discord.world import World


@dataclass(frozen=True)
class Upload:
    filename: str
    type: str
    data: bytes


@dataclass(frozen=True)
class Context:
    """`files` are the uploaded ones by their number, as `attachments` in the body speaks of them."""

    world: World
    audience: Audience
    path: dict[str, str]
    query: dict[str, str]
    body: Any
    files: dict[str, Upload]

    def channel(self, *needed: str) -> Channel:
        """The channel in the path, if the app may do there what it wants to do."""
        channel = self.world.channels.get(self.path["channel"])
        if channel is None or channel.deleted:
            raise refusal(10003)
        denied = self.world.denied(channel)
        if "view_channel" in denied:
            raise refusal(50001)
        if set(needed) & set(denied):
            raise refusal(50013)
        return channel

    def message(self, channel: Channel) -> Message:
        message = self.world.messages.get(self.path["message"])
        gone = message is None or message.deleted or message.only_for is not None or message.channel != channel.id
        if message is None or gone:
            raise refusal(10008)
        return message


Handler = Callable[[Context], Awaitable[Any]]


@dataclass(frozen=True)
class Route:
    """One REST call. Its name is the one in Discord's documentation, in lower case."""

    name: str
    verb: str
    path: str
    run: Handler
    is_open: bool = False
