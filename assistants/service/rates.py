"""Rate limits of API keys, as token buckets."""

import math
import time
from dataclasses import dataclass

MINUTE = 60.0
MOST_BUCKETS = 10_000


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a request is allowed, and the rate-limit headers."""

    allowed: bool
    limit: int
    remaining: int
    wait: float
    reset: float

    def headers(self) -> list[tuple[bytes, bytes]]:
        said = {
            "x-ratelimit-limit-requests": str(self.limit),
            "x-ratelimit-remaining-requests": str(self.remaining),
            "x-ratelimit-reset-requests": f"{math.ceil(self.reset * 1000)}ms",
        }
        if not self.allowed:
            said["retry-after-ms"] = str(math.ceil(self.wait * 1000))
            said["retry-after"] = str(math.ceil(self.wait))
        return [(name.encode(), value.encode()) for name, value in said.items()]


class Rates:
    """One bucket per key."""

    def __init__(self) -> None:
        self._buckets: dict[str, tuple[float, float]] = {}

    def take(self, key: str, limit: int, now: float | None = None) -> Verdict:
        """Take one request from a key's bucket of `limit` requests per minute."""
        at = time.monotonic() if now is None else now
        level, last = self._buckets.get(key, (float(limit), at))
        level = min(float(limit), level + (at - last) * limit / MINUTE)
        allowed = level >= 1
        level -= allowed
        if len(self._buckets) >= MOST_BUCKETS:
            self._buckets.clear()
        self._buckets[key] = level, at
        fill = MINUTE / limit
        return Verdict(allowed, limit, int(level), max(0.0, 1 - level) * fill, (limit - level) * fill)
