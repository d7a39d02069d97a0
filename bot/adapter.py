"""What an adapter implements, and what the core offers it: the one border between platforms and the bot."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, Self, runtime_checkable

from starlette.routing import BaseRoute

from bot.incoming import Attached, Command, Incoming, Person, Place, Revision
from bot.segments import File, Segment, Snapshot
from bot.settings import Settings
from bot.views import Answer, AssistantChoice, Exchange, FoundEndpoint, ModelStatus, Moment
from bot.words.asking import Before
from storage.records import Conversation, IncomingRow, Part

# `streaming`: a native stream of the platform that is still open, as far as we know.
PartState = Literal["growing", "streaming", "final"]


@dataclass(frozen=True, slots=True)
class Turn:
    """A question and its answer, as an adapter sees it.

    `tag` names it outside this program (metadata, nonces): it never comes again. `assistant` is the title people see.
    `author` is who caused it. `incoming` is empty where nobody wrote anything: an answer is given again. `opened_at` is
    a Unix time before which nothing of its reply was posted; nor was anything before the parts that `earlier` tells, of
    the conversation's reply before this one.
    `suspect` says that an earlier try worked on it: look (`Reply.find`) before creating anything on the platform.
    `parts` are the platform messages already known; `keep_part` has one recorded before the turn ends.
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
        """Take up what an earlier process already posted for this turn, known in `turn.parts` or not."""
        ...

    async def show(self, snapshot: Snapshot) -> None:
        """Show the newest whole snapshot. Returns at once; the reply paces itself, the latest wins. Never raises."""
        ...

    async def finish(self, segments: Sequence[Segment]) -> None:
        """Put the whole answer before people; returns when the platform has accepted all of it.

        Called again after a failure, it creates nothing twice. Raises `PlatformError`.
        """
        ...

    async def leave(self, words: str) -> None:
        """Say under what is shown that it goes on later: the program leaves. Best effort; only `aclose` follows."""
        ...

    async def aclose(self) -> None:
        """Write nothing more: what was paced and not sent yet is dropped when this returns."""
        ...


class PlatformError(Exception):
    """The platform did not take what was sent. The text is one sentence for the log."""

    def __init__(self, message: str, *, retryable: bool = True, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retryable = retryable
        self.retry_after = retry_after


class NotClaimedError(Exception):
    """The message could not be made durable: do not acknowledge it, so that the platform sends it again."""


class NotDoneError(Exception):
    """What was asked cannot be done now, and nothing was; the text is one sentence for the person."""


class ConfigurationError(Exception):
    """The program cannot start or connect as configured; the text is one sentence with the cure."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of an incoming message: `accepted`, `duplicate`, or `ignored` with its reason.

    `waits` says that it was taken while another turn is open: it is answered after that.
    """

    outcome: Literal["accepted", "duplicate", "ignored"]
    reason: str = ""
    waits: bool = False


class ModelDesk(Protocol):
    """Connecting a model while the program runs."""

    def status(self) -> ModelStatus: ...

    def watch(self) -> AsyncIterator[ModelStatus]:
        """The status now, and again whenever it changes."""
        ...

    async def discover(self) -> list[FoundEndpoint]: ...

    async def connect(self, base_url: str, api_key: str, model: str) -> ModelStatus:
        """Try the endpoint live, save it to `.env`, use it from now on. Raises `ConfigurationError` with a sentence."""
        ...


class Bot(Protocol):
    """What an adapter may ask of the core. Policy is checked behind it, never in an adapter."""

    settings: Settings

    async def receive(self, incoming: Incoming) -> Receipt:
        """Take a message; durable when this returns. Raises `NotClaimedError` when it could not be made so."""
        ...

    async def revise(self, revision: Revision) -> Receipt:
        """Take an edit or a deletion: it counts as long as the message's turn has not begun.

        `ignored` says that the message is not known (yet: it counts where the message comes later), `duplicate` that
        nothing changes. Raises `NotClaimedError`.
        """
        ...

    async def command(self, command: Command) -> Answer:
        """Do what a slash command asks; once, however often it comes. Raises `NotClaimedError`."""
        ...

    async def stop(self, place: Place, person: Person, event: str) -> Answer:
        """End the answer that is growing in a conversation; `event` names this request. Raises `NotClaimedError`."""
        ...

    async def regenerate(self, place: Place, person: Person, event: str) -> Answer:
        """Answer the last question of a conversation anew. Raises `NotClaimedError`."""
        ...

    def unanswered(self, event: str, reason: str) -> None:
        """Remember, for whoever asks `threadline why`, what an adapter does not bring to `receive`, and why."""
        ...

    def gap(self, platform: str) -> None:
        """From here on something may be said that does not come to us: a connection is lost, or a new one begins."""
        ...

    async def known(self, platform: str) -> list[Place]:
        """The conversations of a platform that were used in the last days, newest first: where to look after a gap."""
        ...

    async def heard_until(self, platform: str) -> str | None:
        """The position up to which everything came to us: from where to look. None before anything did.

        Asking for it begins the look that `caught_up` ends.
        """
        ...

    async def caught_up(self, platform: str) -> None:
        """What the gap hid was looked for everywhere and brought: nothing is missing, unless another gap began."""
        ...

    async def assistants(self, place: Place, person: Person) -> list[AssistantChoice]: ...

    async def conversations(self, platforms: Sequence[str], *, limit: int = 50) -> list[Conversation]:
        """The latest conversations of these platforms, newest first."""
        ...

    async def rename(self, place: Place, title: str) -> None:
        """Give a conversation another title. Raises `NotDoneError`."""
        ...

    async def delete(self, place: Place, person: Person) -> None:
        """Delete a conversation for good, here and on the assistants' server; an answer that grows is stopped first.

        One that is not there is deleted already. Raises `NotDoneError`, `AssistantsError`: what is left then goes when
        it is asked once more.
        """
        ...

    async def transcript(self, key: str, *, limit: int = 50) -> list[Exchange]:
        """The last exchanges of a conversation, oldest first; empty when there is none of that key."""
        ...

    async def file(self, file_id: str) -> File | None:
        """A file of an answer, or of a question, with its bytes; None when there is none of that id."""
        ...

    async def keep_file(self, name: str, data: bytes) -> Attached:
        """Have a file on the assistants' server before its message comes. Raises `FileRefusedError` with a sentence."""
        ...

    async def discard_file(self, file_id: str) -> None:
        """Forget a file that was kept for a message which does not come."""
        ...

    def watch(self, key: str) -> AsyncIterator[Moment]:
        """Moments of a conversation from the moment of this call on, beginning with a reply that is growing now."""
        ...

    def local_reply(self, turn: Turn) -> Reply:
        """A reply shown to those who `watch` its conversation; for surfaces that live in this process."""
        ...

    @property
    def models(self) -> ModelDesk | None:
        """The model desk, or None where another server runs the assistants."""
        ...


class Adapter(Protocol):
    """A platform. Found by the entry-point group `threadline.adapters`; owns every write to its platform."""

    name: str

    @classmethod
    def from_settings(cls, settings: Settings) -> Self | None:
        """The adapter as configured, or None. Raises `ConfigurationError` when half configured."""
        ...

    async def connect(self) -> None:
        """Be able to send. Raises `ConfigurationError` when the platform refuses us."""
        ...

    async def listen(self, bot: Bot) -> None:
        """Receive until cancelled."""
        ...

    def routes(self, bot: Bot) -> Sequence[BaseRoute]:
        """Pages and webhooks to mount on the one port; often none."""
        ...

    def reply(self, turn: Turn) -> Reply: ...

    async def close(self) -> None: ...


class FileRefusedError(Exception):
    """A file cannot be had; the text is one sentence for the person who sent it."""


@runtime_checkable
class FetchesFiles(Protocol):
    """Optional: a reply that can read the files of its question."""

    async def fetch(self, file: Attached, most: int) -> bytes:
        """Its bytes, of which there may be `most`. Raises `FileRefusedError`, or `PlatformError` for another try."""
        ...


@runtime_checkable
class KnowsBefore(Protocol):
    """Optional: a reply that can read what people said in its place before they first asked there."""

    async def said_before(self) -> Before | None:
        """The newest of it, oldest first; None where nothing was, or it cannot be read. Raises `PlatformError`."""
        ...


@runtime_checkable
class MarksWaiting(Protocol):
    """Optional: an adapter that can show at a message that it was noted and waits (a reaction, say)."""

    async def mark_waiting(self, conversation: Conversation, message: IncomingRow, *, waits: bool) -> None:
        """Show it, or take it back when its turn begins. Best effort: raises `PlatformError`."""
        ...


@runtime_checkable
class OpensConversations(Protocol):
    """Optional: an adapter whose platform can open another conversation beside this one."""

    def new_place(self, place: Place) -> Place: ...
