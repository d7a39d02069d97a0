"""What a way to shut code in has to offer: `process.py` starts it, watches it and ends it, and knows no more of it."""

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

    name: str
    own_processes: int
    """How many processes there are while no code of ours started any."""
    own_memory: int
    """What it takes beside what its code may use."""

    def launch(self, limits: Limits, *, slot: int) -> AbstractContextManager[Launch]:
        """`slot` is a small number no other living session has."""

    def begin(self, limits: Limits) -> dict[str, Any]:
        """What the program is told before any code."""

    def inside(self, process: int) -> Inside | None:
        """Where the code runs; None where this system does not tell."""

    def files(self, inside: Inside) -> int:
        """How many files a session has made."""
