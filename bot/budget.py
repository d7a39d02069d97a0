"""A rate limit of a platform, kept by counting our own calls."""

import time
from collections import deque
from collections.abc import Callable


class Budget:
    """At most `calls` in any `seconds`, on a clock of seconds."""

    def __init__(self, calls: int, seconds: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._calls = calls
        self._seconds = seconds
        self._clock = clock
        # When each call was made, or will be; in order.
        self._calls_at: deque[float] = deque()

    @property
    def left(self) -> int:
        """How many calls may be made now."""
        oldest = self._clock() - self._seconds
        while self._calls_at and self._calls_at[0] <= oldest:
            self._calls_at.popleft()
        return max(0, self._calls - len(self._calls_at))

    def take(self) -> bool:
        """Take one call from the budget; return whether one was left."""
        if not self.left:
            return False
        self._calls_at.append(self._clock())
        return True

    def book(self) -> float:
        """Take the next call from the budget, after everybody who came before; return the seconds to wait for it."""
        now = self._clock()
        at = now if self.left else max(now, self._calls_at[-self._calls] + self._seconds)
        self._calls_at.append(at)
        return at - now
