"""How adapters look for messages that were missed: how far back, and how often they retry."""

import itertools
import time
from collections.abc import Iterator

# Messages from before the newest known one are read again, because platforms guarantee no order; storing is idempotent.
OVERLAP_SECONDS = 600.0
# Older messages are not worth answering.
OLDEST_SECONDS = 3 * 86_400.0
RETRY_SECONDS = (5.0, 15.0, 60.0)


def look_from(heard_until: float | None) -> float:
    """The Unix time from which to look, given when the last message arrived that has no gap before it."""
    oldest = time.time() - OLDEST_SECONDS
    return oldest if heard_until is None else max(heard_until - OVERLAP_SECONDS, oldest)


def retries() -> Iterator[float]:
    """Yield the seconds to wait before each retry, without end."""
    return itertools.chain(RETRY_SECONDS, itertools.repeat(RETRY_SECONDS[-1]))
