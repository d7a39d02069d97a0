"""A party line as a platform of Threadline's: rooms that people reach with `nc`."""

from collections.abc import Sequence
from typing import Any, Self

from pydantic_settings import BaseSettings, SettingsConfigDict
from starlette.routing import BaseRoute

from threadline import Bot, ConfigurationError, Incoming, NotClaimedError, Person, Place, Reply, Settings, Turn
from threadline_partyline.line import Line
from threadline_partyline.reply import LineReply

__all__ = ["PartyLineAdapter"]

PLATFORM = "partyline"


class LineSettings(BaseSettings):
    """What this adapter reads from the environment and `.env`, beside Threadline's own settings."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore")

    partyline: str = ""
    partyline_name: str = "threadline"


class PartyLineAdapter:
    """Every room is a conversation; `threadline: …` begins one, and from then on whatever is said there is meant."""

    name = PLATFORM

    def __init__(self, line: Line) -> None:
        self._line = line

    @classmethod
    def from_settings(cls, settings: Settings) -> Self | None:  # noqa: ARG003 - it has settings of its own
        ours = LineSettings()
        if not ours.partyline:
            return None
        host, _, port = ours.partyline.rpartition(":")
        if not host or not port.isdecimal():
            raise ConfigurationError("PARTYLINE must be HOST:PORT, for example 127.0.0.1:7070.")
        return cls(Line(host, int(port), ours.partyline_name))

    async def connect(self) -> None:
        try:
            await self._line.open()
        except OSError as error:
            raise ConfigurationError(f"The party line does not answer ({error}); check PARTYLINE.") from None

    async def listen(self, bot: Bot) -> None:
        """Receive until cancelled. When the line is lost this raises, and Threadline calls it again a little later."""
        if not self._line.is_open:
            await self._line.open()
        while True:
            message = await self._line.next_message()
            try:
                await bot.receive(from_message(message, name=self._line.name))
            except NotClaimedError:
                continue  # not acknowledged, so the line says it again
            self._line.acknowledge(message)

    def routes(self, bot: Bot) -> Sequence[BaseRoute]:  # noqa: ARG002 - the line comes to no port of ours
        return []

    def reply(self, turn: Turn) -> Reply:
        return LineReply(self._line, turn)

    async def close(self) -> None:
        await self._line.close()


def from_message(message: dict[str, Any], *, name: str) -> Incoming:
    """What was said, as the bot takes it in. Our own words come back too: `is_bot` keeps us from answering them."""
    room, text = message["room"], message["text"]
    called = text.partition(":")
    addressed = called[0].strip().casefold() == name and bool(called[1])
    return Incoming(
        event=f"{PLATFORM}:{message['id']}",
        place=Place(key=f"{PLATFORM}:{room}", platform=PLATFORM, workspace="line", channel=room),
        author=Person(message["author"], message["author"], is_bot=message["is_bot"]),
        text=called[2].strip() if addressed else text,
        position=message["id"],
        addressed=addressed,
    )
