"""The workspace itself: what exists in it, and what happened there."""

import re
import time
from collections import defaultdict
from itertools import count
from typing import Any, Literal

from tests.simulators.common.ledger import Ledger
from tests.simulators.slack.app import App
from tests.simulators.slack.records import Channel, Delivery, Fault, File, Message, Session, State, User, View, Whisper

TEAM = "T0THREAD"
APP = "A0THREAD"
BOT = {"user_id": "U0THREADLINE", "bot_id": "B0THREADLINE", "name": "threadline"}
_PING = re.compile(r"<!(?:channel|here|everyone|subteam)[^>]*>|<@[UW][A-Z0-9]+(?:\|[^>]*)?>")


class World(Ledger[Fault]):
    """One workspace with one app in it."""

    def __init__(self, *, bot_token: str, app_token: str) -> None:
        super().__init__()
        self.bot_token = bot_token
        self.app_token = app_token
        self.app = App.of_manifest()
        self.users: dict[str, User] = {}
        self.channels: dict[str, Channel] = {}
        self.messages: dict[tuple[str, str], Message] = {}
        self._said: dict[str, list[Message]] = defaultdict(list)
        self.deliveries: dict[str, Delivery] = {}
        self.whispers: list[Whisper] = []
        self.files: dict[str, File] = {}
        self.bytes: dict[str, bytes] = {}
        self.views: dict[str, View] = {}
        self.sessions: dict[tuple[str, str], Session] = {}
        self._numbers = count(1)
        self._last_ts = 0

    def new_id(self, letter: str) -> str:
        return f"{letter}{next(self._numbers):08d}"

    def new_ts(self) -> str:
        """A timestamp that no other message has, in Slack's form."""
        self._last_ts = max(self._last_ts + 1, time.time_ns() // 1000)
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    def add_user(self, name: str, *, admin: bool = False, locale: str = "en-GB", team: str = "") -> User:
        user = User(self.new_id("U"), name, admin, locale, team)
        self.users[user.id] = user
        return user

    def add_channel(
        self, name: str, *, has_bot: bool = True, kind: Literal["channel", "group", "mpim"] = "channel"
    ) -> Channel:
        channel = Channel(self.new_id("C" if kind == "channel" else "G"), name, kind, has_bot=has_bot)
        self.channels[channel.id] = channel
        return channel

    def dm(self, user: str) -> Channel:
        """The Messages tab of a person, made when first asked for."""
        for channel in self.channels.values():
            if channel.user == user:
                return channel
        channel = Channel(self.new_id("D"), self.users[user].name, kind="im", user=user)
        self.channels[channel.id] = channel
        return channel

    def add_message(self, message: Message) -> Message:
        message.versions.append(message.text)
        message.pings = pings(message.text)
        self.messages[message.channel, message.ts] = message
        self._said[message.channel].append(message)
        session = self.sessions.get((message.channel, message.thread_ts or ""))
        if session is not None and message.bot_id is not None:
            session.status_text = ""
        return message

    def edit(self, message: Message, text: str) -> None:
        message.text = text
        message.versions.append(text)
        message.pings = sorted({*message.pings, *pings(text)})

    def thread(self, channel: str, root: str) -> list[Message]:
        """A thread's messages, its root first."""
        return [message for message in self.history(channel) if root in (message.ts, message.thread_ts)]

    def history(self, channel: str) -> list[Message]:
        """Everything said in a place, oldest first."""
        found = [message for message in self._said[channel] if not message.deleted]
        return sorted(found, key=lambda message: message.ts)

    def session(self, channel: str, thread: str) -> Session:
        """The agent session of a thread, made when first asked for."""
        return self.sessions.setdefault((channel, thread), Session(channel, thread))

    def state(self) -> State:
        for session in self.sessions.values():
            if session.status_text and self.now() > session.status_until:
                session.status_text = ""
        messages = [message for message in self.messages.values() if not message.deleted]
        return State(
            version=self.version,
            now=self.clock.now(),
            bot=BOT,
            users=list(self.users.values()),
            channels=list(self.channels.values()),
            messages=sorted(messages, key=lambda message: message.ts),
            calls=self.calls,
            deliveries=list(self.deliveries.values()),
            whispers=[whisper for whisper in self.whispers if not whisper.gone],
            files=list(self.files.values()),
            views=[view for view in self.views.values() if not view.closed],
            sessions=list(self.sessions.values()),
            commands=list(self.app.commands.values()),
            prompts=self.app.prompts,
            failures=self.failures,
            sockets=self.sockets,
        )

    def as_typed(self, text: str) -> str:
        """What Slack makes of typed words: the three escapes, then `@name` as a mention of somebody here."""
        text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        people: dict[str, Any] = {user.name: user.id for user in self.users.values()} | {BOT["name"]: BOT["user_id"]}
        for name in sorted(people, key=len, reverse=True):
            text = re.sub(rf"@{re.escape(name)}\b", f"<@{people[name]}>", text)
        return text


def pings(text: str) -> list[str]:
    """Whom a posted text calls, as Slack would read it."""
    return sorted(set(_PING.findall(text)))
