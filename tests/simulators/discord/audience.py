"""Who is told of what happened: every session that asked for it and may see it, as it may see it."""

from typing import Any

from tests.simulators.discord import payloads
from tests.simulators.discord.records import Channel, Message
from tests.simulators.discord.sessions import Session
from tests.simulators.discord.world import GUILD, World

HAS_THREAD = 1 << 5


class Audience:
    """The app's sessions. Discord sends every event to each of them."""

    def __init__(self, world: World) -> None:
        self.sessions: dict[str, Session] = {}
        self._world = world

    async def tell(self, event: str, data: dict[str, Any], intent: str | None) -> None:
        """Tells every session that asked for this intent."""
        for session in list(self.sessions.values()):
            if session.wants(intent):
                await session.tell(event, data)

    async def tell_message(self, event: str, message: Message) -> None:
        """Tells of a message, to each session as it may read it; of one for a single person's eyes, nobody."""
        place = self._world.channels[message.channel]
        if message.only_for is not None or not self.sees(place):
            return
        intent = "dm_messages" if place.kind == "dm" else "guild_messages"
        data = payloads.event(self._world, message)
        for session in list(self.sessions.values()):
            if session.wants(intent):
                await session.tell(event, session.as_allowed(data))

    async def tell_place(self, event: str, place: Channel, **more: Any) -> None:
        """Tells of a channel or thread."""
        if place.kind != "dm" and self.sees(place):
            await self.tell(event, payloads.channel(self._world, place) | more, "guilds")

    async def tell_thread(self, thread: Channel) -> None:
        """Tells of a new thread, and of the message it was made from."""
        await self.tell_place("THREAD_CREATE", thread, newly_created=True)
        message = self._world.messages.get(thread.id)
        if message is not None:
            message.flags |= HAS_THREAD
            await self.tell_message("MESSAGE_UPDATE", message)

    async def wake(self, place: Channel) -> None:
        """Writing into an archived thread brings it back."""
        if place.archived:
            place.archived, place.active = False, self._world.now()
            await self.tell_place("THREAD_UPDATE", place)

    async def archive(self) -> None:
        """Archives every thread in which nothing was said for as long as it says; for as long as the server runs."""
        while True:
            version = self._world.version
            threads = [
                place for place in self._world.channels.values() if place.kind == "thread" and not place.archived
            ]
            for place in threads:
                if self._world.now() >= place.active + place.auto_archive * 60:
                    place.archived = True
                    await self.tell_place("THREAD_UPDATE", place)
                    await self._world.changed()
            await self._world.after(version, 60)

    async def tell_deleted(self, message: Message) -> None:
        place = self._world.channels[message.channel]
        if message.only_for is None and self.sees(place):
            where = {} if place.kind == "dm" else {"guild_id": GUILD}
            intent = "dm_messages" if place.kind == "dm" else "guild_messages"
            await self.tell("MESSAGE_DELETE", {"id": message.id, "channel_id": place.id, **where}, intent)

    def sees(self, place: Channel) -> bool:
        return "view_channel" not in self._world.denied(place)
