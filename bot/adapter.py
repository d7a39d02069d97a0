"""The interface between platforms and the bot: what an adapter implements, and what the core offers it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, Self, runtime_checkable

from starlette.routing import BaseRoute

from bot.incoming import Attached, Command, Incoming, Person, Place, Revision
from bot.segments import File, Segment, Snapshot
from bot.settings import Settings
from bot.views import Answer, AssistantChoice, Exchange, FoundEndpoint, ModelStatus, Moment
from bot.words.asking import Before
from storage.records import Conversation, IncomingRow, Part

# `streaming`: a native stream of the platform that, as far as we know, is still open.
PartState = Literal["growing", "streaming", "final"]


@dataclass(frozen=True, slots=True)
class Turn:
    """A question and its answer, as an adapter sees it.

    `tag` identifies the turn outside this program (metadata, nonces) and is never reused. `assistant` is the title that
    people see. `author` is the person who caused the turn. `incoming` is empty when an answer is regenerated.
    `opened_at` is a Unix time: no part of the reply was posted before it, nor before the parts that `earlier` returns,
    which belong to the previous reply of the conversation.
    `suspect` is true after an earlier attempt: call `Reply.find` before creating anything on the platform.
    `parts` are the platform messages already known; `keep_part` records one before the turn ends.
    """

    id: int
    tag: str
    conversation: Conversation
    incoming: Sequence[IncomingRow]
    author: str
    opened_at: float
    assistant: str
    suspect: bool
    parts: Sequence[Part]
    keep_part: Callable[[int, str, PartState], Awaitable[None]]
    earlier: Callable[[], Awaitable[Sequence[Part]]]


class Reply(Protocol):
    """What people see of one turn, in numbered parts. One caller at a time."""

    async def find(self) -> None:
        """Find the messages that an earlier process posted for this turn, whether `turn.parts` lists them or not."""
        ...

    async def show(self, snapshot: Snapshot) -> None:
        """Show this snapshot of the whole answer so far.

        Returns at once and never raises. The reply paces its own updates; a newer snapshot replaces a pending one.
        """
        ...

    async def finish(self, segments: Sequence[Segment]) -> None:
        """Post the whole answer; returns when the platform has accepted all of it.

        Idempotent: a retry after a failure creates nothing twice. Raises `PlatformError`.
        """
        ...

    async def leave(self, words: str) -> None:
        """Add a note that the answer follows later, because the program shuts down.

        Best effort; only `aclose` follows.
        """
        ...

    async def aclose(self) -> None:
        """Stop writing: updates that were not sent yet are dropped."""
        ...


class UserError(Exception):
    """Something cannot be done; the text is one sentence for the person who asked for it."""


class PlatformError(Exception):
    """The platform did not accept a request. The text is one sentence for the log."""

    def __init__(self, message: str, *, retryable: bool = True, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retryable = retryable
        self.retry_after = retry_after


class NotClaimedError(Exception):
    """The message could not be stored: do not acknowledge it, so that the platform delivers it again."""


class LeavingError(NotClaimedError):
    """The program shuts down: the next process accepts the message."""


class NotDoneError(UserError):
    """A request cannot be carried out now, and nothing was changed."""


class FileRefusedError(UserError):
    """A file cannot be used."""


class ConfigurationError(UserError):
    """The program cannot start or connect as configured; the sentence says how to fix it."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What happened to an incoming message: `accepted`, `duplicate`, or `ignored` with a reason.

    `waits` is true when the message was accepted while another turn is open; it is answered after that turn.
    """

    outcome: Literal["accepted", "duplicate", "ignored"]
    reason: str = ""
    waits: bool = False


class ModelDesk(Protocol):
    """Connects a model while the program runs."""

    def status(self) -> ModelStatus: ...

    def watch(self) -> AsyncIterator[ModelStatus]:
        """Yield the current status, then every change."""
        ...

    async def discover(self) -> list[FoundEndpoint]: ...

    async def connect(self, base_url: str, api_key: str, model: str) -> ModelStatus:
        """Test the endpoint, save it to `.env` and use it from now on. Raises `ConfigurationError`."""
        ...


class Bot(Protocol):
    """What the core offers an adapter. The core decides which messages are answered; an adapter never does."""

    settings: Settings

    async def receive(self, incoming: Incoming) -> Receipt:
        """Take a message; it is durable when this returns. Raises `NotClaimedError` if it could not be stored."""
        ...

    async def revise(self, revision: Revision) -> Receipt:
        """Apply an edit or a deletion, as long as the turn of the message has not begun.

        `ignored` means that the message is unknown; the revision still applies if the message arrives later.
        `duplicate` means that nothing changes. Raises `NotClaimedError`.
        """
        ...

    async def command(self, command: Command) -> Answer:
        """Run a slash command, once however often it is delivered. Raises `NotClaimedError`."""
        ...

    async def stop(self, place: Place, person: Person, event: str) -> Answer:
        """Stop the answer in progress in a conversation. `event` identifies this request. Raises `NotClaimedError`."""
        ...

    async def regenerate(self, place: Place, person: Person, event: str) -> Answer:
        """Answer the last question of a conversation again. Raises `NotClaimedError`."""
        ...

    def unanswered(self, event: str, reason: str) -> None:
        """Record why an adapter does not pass a message to `receive`, for `threadline why`."""
        ...

    def gap(self, platform: str) -> None:
        """Report that messages may be missed from now on: a connection was lost, or a new one begins."""
        ...

    async def known(self, platform: str) -> list[Place]:
        """The conversations of a platform used in the last days, newest first: where to look for missed messages."""
        ...

    async def of_ours(self, messages: Collection[str]) -> set[str]:
        """Which of these messages were stored, as an event, or posted by the bot, as the ref of a part.

        A place whose last message is one of them is not likely to have missed messages.
        """
        ...

    async def heard_until(self, platform: str) -> str | None:
        """The position up to which every message has arrived: where to start looking. None before the first message.

        Calling this begins the catch-up that `caught_up` ends.
        """
        ...

    async def caught_up(self, platform: str) -> bool:
        """Report that every place was searched and every missed message delivered.

        Return whether no message is missing; False if another gap began since, so that a new search is needed.
        """
        ...

    async def assistants(self, place: Place, person: Person) -> list[AssistantChoice]: ...

    async def conversations(self, platforms: Sequence[str], *, limit: int = 50) -> list[Conversation]:
        """The latest conversations of these platforms, newest first."""
        ...

    async def rename(self, place: Place, title: str) -> None:
        """Change the title of a conversation. Raises `NotDoneError`."""
        ...

    async def delete(self, place: Place, person: Person) -> None:
        """Delete a conversation permanently, here and on the assistants' server; stops an answer in progress first.

        Idempotent. Raises `NotDoneError` and `AssistantsError`; a retry deletes what is left.
        """
        ...

    async def transcript(self, key: str, *, limit: int = 50) -> list[Exchange]:
        """The last exchanges of a conversation, oldest first; empty if the conversation does not exist."""
        ...

    async def file(self, file_id: str) -> File | None:
        """A file of an answer or a question, with its bytes; None if it does not exist."""
        ...

    async def keep_file(self, name: str, data: bytes) -> Attached:
        """Upload a file to the assistants' server before its message is sent. Raises `FileRefusedError`."""
        ...

    async def discard_file(self, file_id: str) -> None:
        """Delete an uploaded file whose message will not be sent."""
        ...

    def watch(self, key: str) -> AsyncIterator[Moment]:
        """Yield what happens in a conversation from this call on, beginning with a reply in progress."""
        ...

    def local_reply(self, turn: Turn) -> Reply:
        """A reply shown to everyone who `watch`es the conversation; for surfaces inside this process."""
        ...

    @property
    def models(self) -> ModelDesk | None:
        """The model desk, or None if another server runs the assistants."""
        ...


class Adapter(Protocol):
    """A platform, found by the entry-point group `threadline.adapters`. It makes every write to its platform."""

    name: str

    @classmethod
    def from_settings(cls, settings: Settings) -> Self | None:
        """The configured adapter, or None if it is not configured. Raises `ConfigurationError` if half configured."""
        ...

    async def connect(self) -> None:
        """Get ready to send. Raises `ConfigurationError` when the platform refuses the credentials."""
        ...

    async def listen(self, bot: Bot) -> None:
        """Receive until cancelled."""
        ...

    def routes(self, bot: Bot) -> Sequence[BaseRoute]:
        """Pages and webhooks to serve on Threadline's port; often none."""
        ...

    def reply(self, turn: Turn) -> Reply: ...

    async def close(self) -> None: ...


@runtime_checkable
class FetchesFiles(Protocol):
    """Optional: a reply that can read the files of its question."""

    async def fetch(self, file: Attached, most: int) -> bytes:
        """Download at most `most` bytes. Raises `FileRefusedError`, or `PlatformError` when a retry may help."""
        ...


@runtime_checkable
class KnowsBefore(Protocol):
    """Optional: a reply that can read what people said in a thread before the bot was first mentioned there."""

    async def said_before(self) -> Before | None:
        """The newest of those messages, oldest first; None if there are none or they cannot be read.

        Raises `PlatformError`.
        """
        ...


@runtime_checkable
class MarksWaiting(Protocol):
    """Optional: an adapter that can mark a message as noted and waiting, for example with a reaction."""

    async def mark_waiting(self, conversation: Conversation, message: IncomingRow, *, waits: bool) -> None:
        """Set the mark, or remove it when the turn of the message begins. Best effort: raises `PlatformError`."""
        ...


@runtime_checkable
class OpensConversations(Protocol):
    """Optional: an adapter whose platform can open another conversation next to this one."""

    def new_place(self, place: Place) -> Place: ...
