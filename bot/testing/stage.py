"""What the author of an adapter implements for the contract suite: control of a platform and a view of its messages."""

# ruff: noqa: ARG002 - optional methods ignore their arguments
import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, get_args

from bot.adapter import Adapter
from bot.testing.bot import TakingBot

Capability = Literal[
    "acknowledgement",
    "bots",
    "bystanders",
    "clicks",
    "editing",
    "holding",
    "limit",
    "losses",
    "parts",
    "pings",
    "redelivery",
    "refusals",
]
CAPABILITIES: frozenset[str] = frozenset(get_args(Capability))

Test = TypeVar("Test", bound=Callable[..., Awaitable[None]])


@dataclass(frozen=True)
class Said:
    """A message that was posted: its place and its id, as the platform names them."""

    where: str
    message: str


class Stage(ABC):
    """A platform, its people, and `adapter`, which is connected and listens for `bot`.

    The platform is best simulated by a server that the adapter's real client library talks to. Methods for a capability
    that the adapter lacks need not be implemented. `limit` is the maximum length of a part (capability `limit`),
    `continued` the text that the adapter puts above a continued part.
    """

    adapter: Adapter
    bot: TakingBot
    limit: int = 0
    continued: str = ""

    @abstractmethod
    async def say(self, text: str, *, after: Said | None = None, addressed: bool = True) -> Said:
        """A person posts a message, in a new conversation or in that of `after`.

        If `addressed`, the message mentions the bot or is a DM; otherwise (capability `bystanders`) the bot can read
        it, but it mentions nobody.
        """

    @abstractmethod
    async def acknowledged(self, said: Said) -> bool:
        """Return whether the platform got an acknowledgement, once it has one or has stopped waiting.

        On a platform without acknowledgements (capability `acknowledgement`), return True once the adapter has handled
        the message.
        """

    @abstractmethod
    async def resend(self, said: Said) -> None:
        """The platform redelivers the message; returns when it has. Without `redelivery`, the person posts it again.

        Do nothing if the adapter itself retries until a message is claimed.
        """

    @abstractmethod
    def watch(self, said: Said) -> AsyncGenerator[Sequence[str], None]:
        """Yield the bot's messages in the conversation as people see them, now and whenever they change."""

    async def say_as(self, who: Literal["bot", "us"], text: str) -> Said:
        """Another bot posts a message that mentions the bot, or the bot receives its own (capability `bots`)."""
        raise self._unwritten("bots")

    async def refuse(self, status: Literal[429, 500], *, times: int = 1) -> None:
        """Refuse the adapter's next writes, `times` of each kind (a new message, an edit); capability `refusals`.

        A 429 asks for the shortest wait that the platform supports.
        """
        raise self._unwritten("refusals")

    async def lose(self) -> None:
        """The adapter's next new message takes effect, but its response is lost (capability `losses`)."""
        raise self._unwritten("losses")

    async def hold(self) -> None:
        """The adapter's next new message gets no response until `release` (capability `holding`)."""
        raise self._unwritten("holding")

    async def held(self) -> None:
        """Wait until a message is held (capability `holding`)."""
        raise self._unwritten("holding")

    async def release(self) -> None:
        """The held message takes effect and gets its response; returns when that is done (capability `holding`)."""
        raise self._unwritten("holding")

    async def click(self, said: Said, action: str) -> None:
        """A person presses a button that the adapter never showed; returns once handled (capability `clicks`)."""
        raise self._unwritten("clicks")

    async def pinged(self, said: Said) -> Sequence[str]:
        """Everybody whom the bot's messages in the conversation have pinged so far (capability `pings`)."""
        raise self._unwritten("pings")

    async def until(self, said: Said, holds: Callable[[Sequence[str]], bool], *, seconds: float = 60) -> Sequence[str]:
        """Wait until `holds` is true for what people see; on a timeout, fail with what they see instead."""
        seen: Sequence[str] = []
        try:
            async with asyncio.timeout(seconds), aclosing(self.watch(said)) as sights:
                async for seen in sights:
                    if holds(seen):
                        return seen
        except TimeoutError:
            pass
        raise AssertionError(f"People did not see it within {seconds:g} s; what they see: {brief(seen)}")

    def _unwritten(self, capability: Capability) -> NotImplementedError:
        return NotImplementedError(
            f"{type(self).__name__} must write this, or its suite must say why it lacks {capability!r}."
        )


def needs(*capabilities: Capability) -> Callable[[Test], Test]:
    """Mark a test that needs these capabilities."""

    def mark(test: Test) -> Test:
        test.__dict__["needs"] = frozenset(capabilities)
        return test

    return mark


def must(holds: bool, promise: str, found: Any = None) -> None:
    """Fail with the promise that was not kept and with what was found instead."""
    if not holds:
        raise AssertionError(promise if found is None else f"{promise} Found: {brief(found)}")


def brief(found: Any, longest: int = 600) -> str:
    text = repr(found)
    return text if len(text) <= longest else f"{text[: longest // 2]} … {text[-longest // 2 :]}"
