"""Records that every simulator keeps and tells: calls, and what goes wrong with them."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Self


@dataclass
class Record:
    """A shape that server and client share, as JSON between them."""

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

    `status` 429 or 5xx; `error` an error of the platform's own; `hold` waits until released, `slow` for seconds of the
    simulator's clock; `lose` drops the connection `before` or `after` the call took effect.
    """

    method: str
    times: int = 1
    status: int = 200
    error: str = ""
    retry_after: int = 1
    hold: bool = False
    slow: float = 0
    lose: Literal["", "before", "after"] = ""
