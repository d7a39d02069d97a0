"""Gateway sessions: what each may see, what it was sent, and what it missed while no socket carried it."""

import secrets
from dataclasses import dataclass, field
from typing import Any

from tests.simulators.discord import payloads
from tests.simulators.discord.wire import Wire

INTENTS = {
    "guilds": 1 << 0,
    "members": 1 << 1,
    "presences": 1 << 8,
    "guild_messages": 1 << 9,
    "guild_typing": 1 << 11,
    "dm_messages": 1 << 12,
    "dm_typing": 1 << 14,
    "message_content": 1 << 15,
}
PRIVILEGED = {name: INTENTS[name] for name in ("members", "presences", "message_content")}


@dataclass
class Session:
    """One identified app. `sent` is every event with its number, so that a resumed socket hears what it missed."""

    intents: int
    id: str = field(default_factory=lambda: secrets.token_hex(16))
    wire: Wire | None = None
    number: int = 0
    sent: list[tuple[int, str, Any]] = field(default_factory=list)

    def wants(self, intent: str | None) -> bool:
        return intent is None or bool(self.intents & INTENTS[intent])

    async def tell(self, event: str, data: Any) -> None:
        self.number += 1
        self.sent.append((self.number, event, data))
        if self.wire is not None:
            await self.wire.send(0, data, event=event, number=self.number)

    async def replay(self, seen: int) -> None:
        """Everything after the last event the app has seen."""
        missed = [one for one in self.sent if one[0] > seen]
        for number, event, data in missed:
            if self.wire is not None:
                await self.wire.send(0, data, event=event, number=number)

    def as_allowed(self, data: dict[str, Any]) -> dict[str, Any]:
        """A message as this session may read it."""
        in_guild = "guild_id" in data
        return data if not in_guild or self.wants("message_content") else payloads.censored(data)
