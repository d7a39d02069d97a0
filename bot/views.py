"""What the core shows of itself: answers to commands, transcripts, moments, the state of the models."""

from dataclasses import dataclass
from typing import Literal

from bot.incoming import Attached, Place
from bot.segments import Segment


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command says, to the person who gave it alone. `place` is set when it opened another conversation."""

    text: str
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class AssistantChoice:
    """One assistant a person may pick. `ready` is False while it has no model to answer with."""

    name: str
    title: str
    description: str
    ready: bool
    chosen: bool = False


ExchangeState = Literal["waiting", "answering", "answered", "stopped", "failed"]


@dataclass(frozen=True, slots=True)
class Exchange:
    """One turn as a transcript shows it."""

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
    """Something that happened in a conversation, for those who watch it.

    A message was noted, its reply grew or ended, or all of it was deleted.
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
    """What answers today: the connected endpoint (never its key), and the demo model's state.

    `demo` is the demo model's state; `demo_done` and `demo_total` are bytes while its weights are fetched.
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
