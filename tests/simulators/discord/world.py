"""The server itself: what exists, what happened, and a bell that rings at every change."""

import contextlib
import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote

from tests.simulators.common.ledger import Ledger
from tests.simulators.discord.mentions import Called
from tests.simulators.discord.records import Channel, Fault, Frame, Interaction, Message, State, Typing, User

APPLICATION = "1000000000000000001"
BOT = User(APPLICATION, "threadline", bot=True)
GUILD = "1000000000000000002"
GUILD_NAME = "Threadline Sim"
EPOCH = 1_420_070_400_000
TYPING_SECONDS = 10
PORTAL_FLAGS = {"presences": 1 << 13, "members": 1 << 15, "message_content": 1 << 19}


class World(Ledger[Fault]):
    """One server with one app in it, and the app's DMs."""

    def __init__(self, *, token: str) -> None:
        super().__init__()
        self.token = token
        self.address = ""
        self.privileged = {"message_content"}
        self.users: dict[str, User] = {BOT.id: BOT}
        self.channels: dict[str, Channel] = {}
        self.messages: dict[str, Message] = {}
        self._said: dict[str, list[Message]] = defaultdict(list)
        self.interactions: dict[str, Interaction] = {}
        self.commands: dict[str, list[dict[str, Any]]] = {}
        self.files: dict[str, tuple[str, bytes]] = {}
        self.posted: dict[str, float] = {}
        self.frames: list[Frame] = []
        self.typing: list[Typing] = []
        self.sessions = 0
        self._last_id = 0

    @property
    def gateway(self) -> str:
        return self.address.replace("http", "ws", 1)

    def new_id(self) -> str:
        """A snowflake that nothing else has, higher than every one before."""
        fresh = (time.time_ns() // 1_000_000 - EPOCH) << 22
        self._last_id = max(self._last_id + 1, fresh)
        return str(self._last_id)

    def flags(self) -> int:
        """The application's flags: which privileged intents its portal page allows (to an app in few servers)."""
        return sum(PORTAL_FLAGS[name] for name in self.privileged)

    async def before(self, deadline: float, holds: Callable[[], bool]) -> bool:
        """Waits until it holds, or the clock shows `deadline`; whether it holds."""
        with contextlib.suppress(TimeoutError):
            await self.clock.before(deadline, self._until(holds))
        return holds()

    async def _until(self, holds: Callable[[], bool]) -> None:
        async with self._bell:
            await self._bell.wait_for(holds)

    async def note(self, op: str, **data: object) -> None:
        self.frames.append(Frame(op, data, self.now()))
        await self.changed()

    def add_user(self, name: str, *, bot: bool = False) -> User:
        user = User(self.new_id(), name, bot)
        self.users[user.id] = user
        return user

    def add_channel(self, name: str, denied: Iterable[str] = (), *, forum: bool = False) -> Channel:
        return self._add(Channel(self.new_id(), name, "forum" if forum else "text", denied=list(denied)))

    def add_thread(self, parent: Channel, name: str, owner: str, id_: str | None, auto_archive: int) -> Channel:
        """A thread; one made from a message has that message's id."""
        thread = Channel(id_ or self.new_id(), name, "thread", parent=parent.id, owner=owner, auto_archive=auto_archive)
        thread.active = self.now()
        return self._add(thread)

    def dm(self, user: str) -> Channel:
        """The DM of a person with the app, made when first asked for."""
        for channel in self.channels.values():
            if channel.user == user:
                return channel
        return self._add(Channel(self.new_id(), self.users[user].name, "dm", user=user))

    def _add(self, channel: Channel) -> Channel:
        self.channels[channel.id] = channel
        return channel

    def denied(self, channel: Channel) -> list[str]:
        """The permissions the app lacks there."""
        return self.channels[channel.parent].denied if channel.parent else channel.denied

    def add_message(self, message: Message, called: Called) -> Message:
        message.versions.append(message.content)
        message.mentions, message.mentions_everyone = called.users, called.everyone
        message.pings = called.pings
        self.messages[message.id] = message
        self._said[message.channel].append(message)
        self.posted[message.id] = self.channels[message.channel].active = self.now()
        self.typing = [one for one in self.typing if (one.channel, one.user) != (message.channel, message.author)]
        return message

    def edit(self, message: Message, content: str, called: Called) -> None:
        message.content = content
        message.versions.append(content)
        message.edited_at = time.time()
        message.mentions, message.mentions_everyone = called.users, called.everyone
        message.pings = list(dict.fromkeys([*message.pings, *called.pings]))

    def keep(self, channel: str, name: str, type_: str, data: bytes, description: str | None = None) -> dict[str, Any]:
        """Keeps a file; answers the attachment that a message then has."""
        id_ = self.new_id()
        url = f"{self.address}/attachments/{channel}/{id_}/{quote(name)}"
        self.files[id_] = (type_, data)
        shown = {"id": id_, "filename": name, "size": len(data), "url": url, "proxy_url": url, "content_type": type_}
        return shown | ({"description": description} if description else {})

    def in_channel(self, channel: str) -> list[Message]:
        """What is there for everybody to see, oldest first."""
        found = (m for m in self._said[channel] if not m.deleted and m.only_for is None)
        return sorted(found, key=lambda message: int(message.id))

    def as_typed(self, text: str) -> str:
        """What a Discord client makes of typed words: `@name` is a mention of somebody here."""
        people = {user.name: user.id for user in self.users.values()}
        for name in sorted(people, key=len, reverse=True):
            text = re.sub(rf"@{re.escape(name)}\b", f"<@{people[name]}>", text)
        return text

    def state(self) -> State:
        now = self.clock.now()
        return State(
            version=self.version,
            bot={"id": BOT.id, "name": BOT.name},
            guild={"id": GUILD, "name": GUILD_NAME},
            time=now,
            users=[user for user in self.users.values() if user is not BOT],
            channels=[channel for channel in self.channels.values() if not channel.deleted],
            messages=sorted((m for m in self.messages.values() if not m.deleted), key=lambda m: int(m.id)),
            interactions=list(self.interactions.values()),
            commands=[command for commands in self.commands.values() for command in commands],
            calls=self.calls,
            frames=self.frames,
            typing=[one for one in self.typing if one.at > now - TYPING_SECONDS],
            failures=self.failures,
            sockets=self.sockets,
            sessions=self.sessions,
        )
