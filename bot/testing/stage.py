"""What the author of an adapter gives the suite: a platform to stand on, people in it, and eyes."""

# ruff: noqa: ARG002 - what a platform lacks, nobody writes
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
    "calls",
    "clicks",
    "editing",
    "holding",
    "limit",
    "losses",
    "parts",
    "redelivery",
    "refusals",
]
CAPABILITIES: frozenset[str] = frozenset(get_args(Capability))

Test = TypeVar("Test", bound=Callable[..., Awaitable[None]])


@dataclass(frozen=True)
class Said:
    """Something that was said: the place it stands in, and which message it is. Both as the platform names them."""

    where: str
    message: str


class Stage(ABC):
    """A platform, its people, and `adapter`, which is connected and listens for `bot`.

    What stands for the platform is best a server of its own that the adapter's real client library talks to. Of the
    methods that are not abstract, those that belong to a capability the adapter lacks need not be written. `limit` is
    how long one part may be (capability `limit`), `continued` what the adapter writes above a part that goes on.
    """

    adapter: Adapter
    bot: TakingBot
    limit: int = 0
    continued: str = ""

    @abstractmethod
    async def say(self, text: str, *, after: Said | None = None, addressed: bool = True) -> Said:
        """A person says it: in a conversation of its own, or in that of `after`. `addressed`: so that it is for us.

        With `addressed` false (capability `bystanders`) it stands where we can hear it, and names nobody.
        """

    @abstractmethod
    async def acknowledged(self, said: Said) -> bool:
        """Whether the platform knows that it arrived; returns as soon as it does, or has stopped waiting for that.

        On a platform that is not told (without the capability `acknowledgement`): True, as soon as the adapter is
        through with it.
        """

    @abstractmethod
    async def resend(self, said: Said) -> None:
        """The platform delivers it once more; returns when it has. Without `redelivery`: the person says it again.

        Nothing at all where an adapter tries by itself until a message is claimed.
        """

    @abstractmethod
    def watch(self, said: Said) -> AsyncGenerator[Sequence[str], None]:
        """What people see of us in its conversation, message by message: as it is, and again whenever it changes."""

    async def say_as(self, who: Literal["bot", "us"], text: str) -> Said:
        """Another bot says it and names us, or it comes back to us as our own (capability `bots`)."""
        raise self._unwritten("bots")

    async def refuse(self, status: Literal[429, 500], *, times: int = 1) -> None:
        """Our next writes are answered so, `times` of each kind (a new message, an edit); capability `refusals`.

        A 429 names the shortest wait that the platform knows.
        """
        raise self._unwritten("refusals")

    async def lose(self) -> None:
        """Our next new message takes effect, and its answer never reaches us (capability `losses`)."""
        raise self._unwritten("losses")

    async def hold(self) -> None:
        """Our next new message is left without an answer until `release` (capability `holding`)."""
        raise self._unwritten("holding")

    async def held(self) -> None:
        """Returns when one is held (capability `holding`)."""
        raise self._unwritten("holding")

    async def release(self) -> None:
        """What was held takes effect and is answered; returns when that is done (capability `holding`)."""
        raise self._unwritten("holding")

    async def click(self, said: Said, action: str) -> None:
        """A person presses a button that nobody made (capability `clicks`); returns when the platform is through."""
        raise self._unwritten("clicks")

    async def called(self, said: Said) -> Sequence[str]:
        """Whom our messages in its conversation have called, ever (capability `calls`)."""
        raise self._unwritten("calls")

    async def until(self, said: Said, holds: Callable[[Sequence[str]], bool], *, seconds: float = 60) -> Sequence[str]:
        """Waits until what people see makes it true; fails with what they see instead."""
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
    """Marks a test that is for platforms with these capabilities."""

    def mark(test: Test) -> Test:
        test.__dict__["needs"] = frozenset(capabilities)
        return test

    return mark


def must(holds: bool, promise: str, found: Any = None) -> None:
    """Fails with the promise that was not kept, and with what was found instead."""
    if not holds:
        raise AssertionError(promise if found is None else f"{promise} Found: {brief(found)}")


def brief(found: Any, longest: int = 600) -> str:
    text = repr(found)
    return text if len(text) <= longest else f"{text[: longest // 2]} … {text[-longest // 2 :]}"
