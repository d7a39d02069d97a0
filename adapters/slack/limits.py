"""A rate limit for calls."""

import time
from collections import deque
from collections.abc import Callable


class Budget:
    """At most `calls` in any `seconds`, on a clock of seconds."""

    def __init__(self, calls: int, seconds: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._calls = calls
        self._seconds = seconds
        self._clock = clock
        self._taken: deque[float] = deque()

    @property
    def is_left(self) -> bool:
        """Whether the budget has a call left now."""
        now = self._clock()
        while self._taken and self._taken[0] <= now - self._seconds:
            self._taken.popleft()
        return len(self._taken) < self._calls

    def take(self) -> bool:
        """Take one call from the budget; return whether one was left."""
        if not self.is_left:
            return False
        self._taken.append(self._clock())
        return True
