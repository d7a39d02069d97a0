"""The shapes every simulator tells in: what an app called, what goes wrong, and all of it at one version."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Self


@dataclass
class Record:
    def json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, data: dict[str, Any]) -> Self:
        return cls(**data)


@dataclass
class Call(Record):
    """One call of the app: what came and what was answered. `at` is seconds on the simulator's clock."""

    method: str
    arguments: dict[str, Any]
    at: float
    status: int = 0
    response: dict[str, Any] = field(default_factory=dict)


@dataclass
class Fault(Record):
    """What goes wrong with the next `times` calls of a method.

    `status` is what is answered instead; `hold` waits until released, `slow` for seconds of the simulator's clock;
    `lose` drops the connection `before` or `after` the call took effect.
    """

    method: str
    times: int = 1
    status: int = 200
    retry_after: float = 1
    hold: bool = False
    slow: float = 0
    lose: Literal["", "before", "after"] = ""


@dataclass
class State(Record):
    """Everything, at one version; the version rises with every change."""

    version: int
    calls: list[Call]
    failures: list[str]
    sockets: int

    def summary(self) -> str:
        """What to read when something that was waited for did not happen."""
        raise NotImplementedError
