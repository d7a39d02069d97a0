"""Rate limits as Discord tells of them in headers, and as it enforces those that a test set."""

import time

from tests.simulators.common.clock import Clock

# The name of the limit on all calls of the account together.
ALL = "*"
# Generous where nothing was set: the headers are there, and nobody is slowed.
DEFAULT = (50, 1.0)


class Buckets:
    """`limits` are calls in seconds by the name of the call; each channel and webhook has its own bucket."""

    def __init__(self, clock: Clock) -> None:
        self.limits: dict[str, tuple[int, float]] = {}
        self._clock = clock
        self._taken: dict[tuple[str, str], tuple[float, int]] = {}

    def take_of_all(self) -> float:
        """One call of the account, whichever it is: for how many seconds it is refused (0: it is not)."""
        return self.take(ALL, "")[1] if ALL in self.limits else 0.0

    def take(self, name: str, major: str) -> tuple[dict[str, str], float]:
        """One call: its headers, and for how many seconds it is refused (0: it is not)."""
        limit, seconds = self.limits.get(name, DEFAULT)
        now = self._clock.now()
        ends, count = self._taken.get((name, major), (0.0, 0))
        if now >= ends:
            ends, count = now + seconds, 0
        self._taken[name, major] = (ends, count + 1)
        is_set = name in self.limits
        left = limit - count - 1 if is_set else limit - 1
        return _headers(name, limit, max(left, 0), ends - now), ends - now if is_set and left < 0 else 0


def _headers(name: str, limit: int, remaining: int, reset_after: float) -> dict[str, str]:
    return {
        "X-RateLimit-Limit": str(limit),
        "X-RateLimit-Remaining": str(remaining),
        "X-RateLimit-Reset": f"{time.time() + reset_after:.3f}",
        "X-RateLimit-Reset-After": f"{reset_after:.3f}",
        "X-RateLimit-Bucket": f"bucket-{name}",
    }
