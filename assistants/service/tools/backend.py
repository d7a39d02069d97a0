"""The interface of a sandbox backend. `process.py` starts, watches and ends its processes through it."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from assistants.service.tools.limits import Limits


@dataclass(frozen=True, slots=True)
class Launch:
    """How to start a session's program, which exchanges frames on its standard streams and prints to standard error."""

    command: list[str]
    environment: dict[str, str]
    handles: tuple[int, ...] = ()
    """Files that it inherits; they may be closed once it was started."""


@dataclass(frozen=True, slots=True)
class Inside:
    """Process ids on the host: the process whose exit ends the session, and the one that runs the code."""

    first: int
    inner: int


class Backend(Protocol):
    """A way to confine code. `probe` checks that it does."""

    @property
    def name(self) -> str: ...

    @property
    def own_processes(self) -> int:
        """Number of processes of an idle session."""

    @property
    def missing(self) -> Sequence[str]:
        """Return the commonly used libraries that are not installed."""

    async def prepare(self) -> None:
        """Do one-time preparation that would otherwise delay every session."""

    def own_memory(self, limits: Limits) -> int:
        """Memory that a session needs besides the code's own."""

    def launch(self, limits: Limits, *, slot: int) -> AbstractContextManager[Launch]:
        """`slot` is a small number, unique among live sessions."""

    def begin(self, limits: Limits) -> dict[str, Any]:
        """Return the program's first message, sent before any code."""

    def inside(self, process: int) -> Inside | None:
        """Return the session's process ids; None where the system does not reveal them."""

    def files(self, inside: Inside) -> int:
        """Return how many files a session has created."""
