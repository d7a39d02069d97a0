"""What the simulator knows and tells: people, places, messages, calls, deliveries. The client reads the same shapes."""

from dataclasses import dataclass, field
from typing import Any, Literal, Self

from tests.simulators.common.records import Call, Record
from tests.simulators.common.records import Fault as CommonFault
from tests.simulators.common.records import State as CommonState

__all__ = [
    "Call",
    "Channel",
    "Delivery",
    "Fault",
    "File",
    "Message",
    "Session",
    "State",
    "User",
    "View",
    "Whisper",
]


@dataclass
class User(Record):
    """A person; `team` is theirs, where they come from another workspace over Slack Connect."""

    id: str
    name: str
    admin: bool = False
    locale: str = "en-GB"
    team: str = ""


@dataclass
class Channel(Record):
    """A place. For `im`, the DM with the app, `user` is the person."""

    id: str
    name: str
    kind: Literal["channel", "group", "mpim", "im"] = "channel"
    user: str = ""
    has_bot: bool = True
    archived: bool = False


@dataclass
class File(Record):
    """A file of the workspace. `shared` once it stands in a message; `uploaded` once its bytes are there."""

    id: str
    name: str
    size: int
    mimetype: str = "application/octet-stream"
    user: str = ""
    title: str = ""
    alt: str = ""
    uploaded: bool = False
    shared: bool = False


@dataclass
class Message(Record):
    """A message as people see it. `versions` are its texts so far, the newest last; `pings` whom it called.

    `markdown` tells how its text is meant: Markdown, or Slack's own mrkdwn. `stream` tells of a native stream: in an
    `open` one text arrives that only `recipient` sees at once, and `tasks` are its steps by id.
    """

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
    edited: bool = False
    markdown: bool = False
    blocks: list[dict[str, Any]] = field(default_factory=list)
    files: list[dict[str, Any]] = field(default_factory=list)
    reactions: dict[str, list[str]] = field(default_factory=dict)
    stream: Literal["", "open", "stopped", "stopped_by_user", "expired"] = ""
    streamed_at: float = 0
    recipient: str = ""
    plan: str = ""
    previews: bool = False
    tasks: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass
class Fault(CommonFault):
    """`status` is 429 or 5xx; `error` is one of Slack's own, with status 200."""

    error: str = ""


@dataclass
class Session(Record):
    """An agent session: what Slack shows of work in a thread. `status_text` is the older free-text status."""

    channel: str
    thread_ts: str
    status: Literal["active", "processing", "suspended", "closed"] = "active"
    title: str = ""
    initiator: str = ""
    status_text: str = ""
    status_until: float = 0
    prompts: list[dict[str, str]] = field(default_factory=list)


@dataclass
class View(Record):
    """A form (`modal`) that a person has open, or their App Home. `errors` stand under its blocks."""

    id: str
    user: str
    view: dict[str, Any]
    hash: str
    type: Literal["modal", "home"] = "modal"
    root: str = ""
    previous: str = ""
    closed: bool = False
    errors: dict[str, str] = field(default_factory=dict)


@dataclass
class Delivery(Record):
    """One payload on its way to the app. `attempts` are the times it was sent, `acked_at` when it was acknowledged.

    `reasons` say why attempts were not enough, `due` when the next is; `sockets` who carried each, -1 for HTTP.
    """

    envelope_id: str
    type: str
    event: str
    ts: str
    event_id: str
    attempts: list[float] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    sockets: list[int] = field(default_factory=list)
    due: float = 0
    acked_at: float | None = None
    ack: dict[str, Any] | None = None
    gave_up: bool = False


@dataclass
class Whisper(Record):
    """What one person alone saw: the answer to a slash command, an ephemeral message."""

    channel: str
    user: str
    text: str
    at: float
    ts: str = ""
    thread_ts: str | None = None
    blocks: list[dict[str, Any]] = field(default_factory=list)
    gone: bool = False


@dataclass
class State(CommonState):
    now: float
    bot: dict[str, str]
    users: list[User]
    channels: list[Channel]
    messages: list[Message]
    deliveries: list[Delivery]
    whispers: list[Whisper]
    files: list[File]
    views: list[View]
    sessions: list[Session]
    commands: list[dict[str, str]]
    prompts: list[dict[str, str]]

    @classmethod
    def of(cls, data: dict[str, Any]) -> Self:
        shapes: dict[str, type[Record]] = {
            "users": User,
            "channels": Channel,
            "messages": Message,
            "calls": Call,
            "deliveries": Delivery,
            "whispers": Whisper,
            "files": File,
            "views": View,
            "sessions": Session,
        }
        lists = {name: [shape.of(one) for one in data[name]] for name, shape in shapes.items()}
        return cls(**{**data, **lists})

    def summary(self) -> str:
        said = "; ".join(f"{message.user}: {message.text[:80]!r}" for message in self.messages[-8:])
        calls = ", ".join(f"{call.method}={call.response.get('error', 'ok')}" for call in self.calls[-8:])
        return f"Messages: {said or 'none'}. Calls: {calls or 'none'}. Sockets: {self.sockets}."
