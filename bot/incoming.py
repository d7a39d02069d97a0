"""What adapters pass to the core: messages, edits and commands, with their place and author."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Place:
    """Where people talk. `key` identifies the conversation (`slack:TEAM:CHANNEL:ROOT_TS`, `web:…`).

    `thread` is None outside a thread. Slack's commands do not name their thread; their `key` is empty.
    """

    key: str
    platform: str
    workspace: str
    channel: str
    thread: str | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """The author, as the platform names them. People choose `name` themselves: never trust it as markup."""

    id: str
    name: str = ""
    is_bot: bool = False


@dataclass(frozen=True, slots=True)
class Attached:
    """A file sent with a message, as the platform describes it. Its bytes are at `address` for a limited time.

    `kept` is its id on the assistants' server if it was uploaded before its message (`Bot.keep_file`).
    """

    name: str
    media_type: str
    size: int
    address: str = ""
    kept: str = ""


@dataclass(frozen=True, slots=True)
class Incoming:
    """One message of a person.

    `event` identifies the message, not the delivery, so that a redelivery is recognised. `position` sorts the messages
    of a conversation. `addressed` is true for a mention or a DM; any other message is answered only in a conversation
    that the bot takes part in. `edited_after` is set where an edit added the mention: seconds since the message was
    posted.
    """

    event: str
    place: Place
    author: Person
    text: str
    position: str
    addressed: bool
    reply_to: dict[str, Any] = field(default_factory=dict)
    files: tuple[Attached, ...] = ()
    edited_after: float = 0.0


@dataclass(frozen=True, slots=True)
class Revision:
    """An edited message, or a deleted one if `text` is None. `event` identifies the message, not the edit.

    `files` are the files it still has; None if the platform does not say. `at` orders the edits of one message, however
    they arrive: the greater is the newer. Empty if the platform does not say.
    """

    event: str
    text: str | None
    files: tuple[Attached, ...] | None = None
    at: str = ""


@dataclass(frozen=True, slots=True)
class Command:
    """A slash command. `text` follows its name (`use math tutor`); `event` identifies this invocation."""

    event: str
    place: Place
    author: Person
    text: str
