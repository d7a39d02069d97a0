"""What comes in: one thing a person sent, and the place it was sent to."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Place:
    """Where people talk. `key` names the conversation (`slack:TEAM:CHANNEL:ROOT_TS`, `web:…`).

    `thread` is None outside one. A command may come without a thread (Slack's carry none): then `key` is empty.
    """

    key: str
    platform: str
    workspace: str
    channel: str
    thread: str | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """Who sent it, as the platform names them. `name` is their own choice: never trust it as markup."""

    id: str
    name: str = ""
    is_bot: bool = False


@dataclass(frozen=True, slots=True)
class Attached:
    """A file that came with a message, as its platform tells of it; its bytes are at `address`, for a while.

    `kept` is its id on the assistants' server, where it was brought there before its message (`Bot.keep_file`).
    """

    name: str
    media_type: str
    size: int
    address: str = ""
    kept: str = ""


@dataclass(frozen=True, slots=True)
class Incoming:
    """One message of a person.

    `event` is the claim: the message's own identity, never a delivery's. `position` sorts a conversation's messages.
    `addressed` says that it was meant for us (a mention, a DM); what is not is ours only where we are engaged.
    """

    event: str
    place: Place
    author: Person
    text: str
    position: str
    addressed: bool
    reply_to: dict[str, Any] = field(default_factory=dict)
    files: tuple[Attached, ...] = ()


@dataclass(frozen=True, slots=True)
class Revision:
    """A message that was edited, or deleted where `text` is None. `event` names the message, not the edit.

    `files` are those it still has, None where the platform does not say. `at` sorts the edits of one message: of two
    edits the greater one is newer, in whatever order they arrive. Empty where the platform does not say.
    """

    event: str
    text: str | None
    files: tuple[Attached, ...] | None = None
    at: str = ""


@dataclass(frozen=True, slots=True)
class Command:
    """A slash command: `text` is what stands after its name (`use math tutor`). `event` names this one invocation."""

    event: str
    place: Place
    author: Person
    text: str
