"""Slack's rate limits: so many calls a minute of a method's tier, and one message a second in a channel."""

import math
from collections import defaultdict, deque

from tests.simulators.common.clock import Clock

MINUTE = 60.0
TIERS = {1: 1, 2: 20, 3: 50, 4: 100}
# chat.postMessage: short bursts are tolerated.
BURST = 3
EVERY = 1.0


class Limits:
    """Enforced while `enabled`."""

    def __init__(self, clock: Clock) -> None:
        self.enabled = False
        self._clock = clock
        self._calls: dict[str, deque[float]] = defaultdict(deque)

    def wait(self, method: str, tier: int, channel: str) -> int:
        """Seconds of the app's own clock to stay away, 0 when the call may be."""
        if not self.enabled or not tier:
            return 0
        if method == "chat.postMessage":
            return self._ask(f"{method} {channel}", BURST, EVERY * BURST)
        return self._ask(method, TIERS[tier], MINUTE)

    def _ask(self, name: str, most: int, seconds: float) -> int:
        calls, now = self._calls[name], self._clock.now()
        while calls and calls[0] <= now - seconds:
            calls.popleft()
        if len(calls) >= most:
            # To the millisecond: the float of a date is not exact below that.
            return max(1, math.ceil(round(calls[0] + seconds - now, 3) / (self._clock.rate or 1)))
        calls.append(now)
        return 0
