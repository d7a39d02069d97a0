"""What the simulator knows and tells: people, places, messages, interactions. The client reads the same shapes."""

from dataclasses import dataclass, field
from typing import Any, Literal, Self

from tests.simulators.common.records import Call as Call
from tests.simulators.common.records import Fault as CommonFault
from tests.simulators.common.records import Record
from tests.simulators.common.records import State as CommonState


@dataclass
class User(Record):
    id: str
    name: str
    bot: bool = False


@dataclass
class Channel(Record):
    """A channel or forum of the server, a thread in one (`parent`), or a DM with the app (`user` is the person).

    `denied` names the permissions the app lacks here; threads have those of their parent. `active` is when something
    was last said in a thread: it is archived `auto_archive` minutes later.
    """

    id: str
    name: str
    kind: Literal["text", "forum", "thread", "dm"] = "text"
    user: str = ""
    parent: str = ""
    owner: str = ""
    denied: list[str] = field(default_factory=list)
    auto_archive: int = 1440
    active: float = 0
    archived: bool = False
    locked: bool = False
    deleted: bool = False


@dataclass
class Message(Record):
    """A message as people see it. `versions` are its contents so far, the newest last; `pings` whom it called.

    `only_for` is the one person who sees an ephemeral message; `flags` are Discord's (128: still thinking).
    """

    id: str
    channel: str
    author: str
    content: str
    at: float
    type: int = 0
    flags: int = 0
    nonce: str | None = None
    reference: str | None = None
    forwarded: str | None = None
    webhook: str | None = None
    only_for: str | None = None
    interaction: str | None = None
    mentions: list[str] = field(default_factory=list)
    mentions_everyone: bool = False
    embeds: list[dict[str, Any]] = field(default_factory=list)
    components: list[dict[str, Any]] = field(default_factory=list)
    attachments: list[dict[str, Any]] = field(default_factory=list)
    versions: list[str] = field(default_factory=list)
    pings: list[str] = field(default_factory=list)
    reactions: dict[str, list[str]] = field(default_factory=dict)
    edited_at: float | None = None
    deleted: bool = False


@dataclass
class Interaction(Record):
    """A command, an autocompletion, a press or a submitted form, and what came of it.

    `response` is the callback's type (4 message, 5 deferred, 8 choices, 9 form …); `failed` means that the person read
    "The application did not respond".
    """

    id: str
    token: str
    type: int
    user: str
    channel: str
    data: dict[str, Any]
    at: float
    message: str | None = None
    response: int | None = None
    original: str | None = None
    choices: list[dict[str, Any]] = field(default_factory=list)
    modal: dict[str, Any] | None = None
    follow_ups: int = 0
    user_installed: bool = False
    failed: bool = False


@dataclass
class Frame(Record):
    """What the app sent over its gateway socket, and how sockets closed. Never the token."""

    op: str
    data: dict[str, Any]
    at: float


@dataclass
class Typing(Record):
    channel: str
    user: str
    at: float


@dataclass
class Fault(CommonFault):
    """`code` is a Discord error code answered with `status`; `close` closes a gateway socket.

    With `status` 429: `scope` is user, shared, global or cloudflare (a ban: HTML, and no Via). Beside the names of REST
    calls there are gateway_connect, gateway_identify and gateway_resume.
    """

    code: int = 0
    scope: Literal["user", "shared", "global", "cloudflare"] = "user"
    close: int = 0


@dataclass
class State(CommonState):
    bot: dict[str, str]
    guild: dict[str, str]
    time: float
    users: list[User]
    channels: list[Channel]
    messages: list[Message]
    interactions: list[Interaction]
    commands: list[dict[str, Any]]
    frames: list[Frame]
    typing: list[Typing]
    sessions: int

    @classmethod
    def of(cls, data: dict[str, Any]) -> Self:
        shapes: dict[str, type[Record]] = {
            "users": User,
            "channels": Channel,
            "messages": Message,
            "interactions": Interaction,
            "frames": Frame,
            "typing": Typing,
            "calls": Call,
        }
        return cls(**{**data, **{name: [shape.of(one) for one in data[name]] for name, shape in shapes.items()}})

    def summary(self) -> str:
        messages = "; ".join(f"{message.author}: {message.content[:80]!r}" for message in self.messages[-8:])
        calls = ", ".join(f"{call.method}={call.status}" for call in self.calls[-8:])
        frames = ", ".join(frame.op for frame in self.frames[-5:])
        return f"Messages: {messages or 'none'}. Calls: {calls or 'none'}. Frames: {frames}. Sockets: {self.sockets}."
