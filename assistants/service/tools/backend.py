"""What a way to shut code in has to offer: `process.py` starts it, watches it and ends it, and knows no more of it."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from assistants.service.tools.limits import Limits


@dataclass(frozen=True, slots=True)
class Launch:
    """How a session's program is started: it speaks frames on its standard streams, and prints to standard error."""

    command: list[str]
    environment: dict[str, str]
    handles: tuple[int, ...] = ()
    """Files that it inherits; they may be closed once it was started."""


@dataclass(frozen=True, slots=True)
class Inside:
    """By the host's numbers: the process whose end is the session's end, and the one that runs the code."""

    first: int
    inner: int


class Backend(Protocol):
    """A way to shut code in. Whether it does is found out by `probe`."""

    @property
    def name(self) -> str: ...

    @property
    def own_processes(self) -> int:
        """How many processes there are while no code of ours started any."""

    @property
    def missing(self) -> Sequence[str]:
        """Which of the libraries that people expect code will not find."""

    async def prepare(self) -> None:
        """Do once what would hold up every session."""

    def own_memory(self, limits: Limits) -> int:
        """What it takes beside the memory its code may use."""

    def launch(self, limits: Limits, *, slot: int) -> AbstractContextManager[Launch]:
        """`slot` is a small number no other living session has."""

    def begin(self, limits: Limits) -> dict[str, Any]:
        """What the program is told before any code."""

    def inside(self, process: int) -> Inside | None:
        """Where the code runs; None where this system does not tell."""

    def files(self, inside: Inside) -> int:
        """How many files a session has made."""
