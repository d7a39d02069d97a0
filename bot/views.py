"""What the core shows to people: answers to commands, transcripts, live updates, the state of the models."""

from dataclasses import dataclass
from typing import Literal

from bot.incoming import Attached, Place
from bot.segments import Segment

# The answer to a command that could not be stored.
NOT_DONE = "Nothing was done, because the request could not be saved. Please try again in a moment."

# The answer to a command that was delivered again.
DONE_ALREADY = "That was done already."


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a command, shown only to its author. `place` is set if the command opened a conversation."""

    text: str
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class AssistantChoice:
    """An assistant that a person may pick. `ready` is false while it has no model."""

    name: str
    title: str
    description: str
    ready: bool
    chosen: bool = False


ExchangeState = Literal["waiting", "answering", "answered", "stopped", "failed"]


@dataclass(frozen=True, slots=True)
class Exchange:
    """One turn in a transcript."""

    turn: int | None
    question: str
    answer: tuple[Segment, ...]
    assistant: str
    state: ExchangeState
    asked_at: float
    events: tuple[str, ...] = ()
    files: tuple[Attached, ...] = ()


@dataclass(frozen=True, slots=True)
class Moment:
    """An event in a conversation, for those who watch it.

    A message was stored, its reply grew or ended, or the conversation was deleted.
    """

    kind: Literal["asked", "snapshot", "finished", "deleted"]
    turn: int | None
    segments: tuple[Segment, ...] = ()
    status: str = ""
    question: str = ""
    assistant: str = ""
    event: str = ""
    files: tuple[Attached, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """The connected endpoint (never its key), and the state of the demo model.

    `demo_done` and `demo_total` are bytes, while its weights are downloaded.
    """

    connected: bool
    base_url: str = ""
    model: str = ""
    demo: Literal["absent", "fetching", "ready", "unavailable"] = "absent"
    demo_done: int = 0
    demo_total: int = 0
    demo_error: str = ""


@dataclass(frozen=True, slots=True)
class FoundEndpoint:
    """A model server found on this machine's loopback."""

    name: str
    base_url: str
    models: tuple[str, ...]
