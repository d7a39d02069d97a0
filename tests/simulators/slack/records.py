"""What the simulator knows and tells: people, places, messages, calls, deliveries. The client reads the same shapes."""

from dataclasses import dataclass, field
from typing import Any, Literal, Self

from tests.simulators.common.records import Call, Fault, Record

__all__ = ["Call", "Channel", "Delivery", "Fault", "Message", "State", "User", "Whisper"]


@dataclass
class User(Record):
    id: str
    name: str


@dataclass
class Channel(Record):
    """A channel, or a DM with the app: then `kind` is `im` and `user` the person."""

    id: str
    name: str
    kind: Literal["channel", "im"] = "channel"
    user: str = ""
    has_bot: bool = True
    archived: bool = False


@dataclass
class Message(Record):
    """A message as people see it. `versions` are its texts so far, the newest last; `pings` whom it called."""

    channel: str
    ts: str
    user: str
    text: str
    thread_ts: str | None = None
    bot_id: str | None = None
    metadata: dict[str, Any] | None = None
    versions: list[str] = field(default_factory=list)
    pings: list[str] = field(default_factory=list)
    deleted: bool = False


@dataclass
class Delivery(Record):
    """One envelope on its way to the app. `attempts` are the times it was sent, `acked_at` when it was acknowledged."""

    envelope_id: str
    type: str
    event: str
    ts: str
    event_id: str
    attempts: list[float] = field(default_factory=list)
    acked_at: float | None = None
    ack: dict[str, Any] | None = None
    gave_up: bool = False


@dataclass
class Whisper(Record):
    """What one person alone saw: the answer to a slash command."""

    channel: str
    user: str
    text: str
    at: float


@dataclass
class State(Record):
    """Everything, at one version; the version rises with every change."""

    version: int
    bot: dict[str, str]
    users: list[User]
    channels: list[Channel]
    messages: list[Message]
    calls: list[Call]
    deliveries: list[Delivery]
    whispers: list[Whisper]
    failures: list[str]
    sockets: int

    @classmethod
    def of(cls, data: dict[str, Any]) -> Self:
        shapes: dict[str, type[Record]] = {
            "users": User,
            "channels": Channel,
            "messages": Message,
            "calls": Call,
            "deliveries": Delivery,
            "whispers": Whisper,
        }
        lists = {name: [shape.of(one) for one in data[name]] for name, shape in shapes.items()}
        return cls(**{**data, **lists})
