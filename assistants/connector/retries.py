"""Retry policy: whether to retry a request, and after how long."""

import random
from dataclasses import dataclass

from assistants.connector.errors import (
    AssistantsError,
    CircuitOpenError,
    DisconnectedError,
    RequestTimeoutError,
    ServerError,
    ThreadLockedError,
)

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 8.0
# If the server asks for a longer wait than this, the caller decides.
LONGEST_ASKED = 120.0
# Not retried here: a thread stays locked as long as its run takes, a circuit open until its reset. The caller knows
# better what to do in the meantime.
_LEFT_TO_THE_CALLER = (CircuitOpenError, ThreadLockedError)


@dataclass(frozen=True, slots=True)
class Retries:
    """At most `most` retries of one request; `keys` says that the server honours `Idempotency-Key`."""

    most: int
    keys: bool = False

    def pause(self, error: AssistantsError, *, attempt: int, creates: bool) -> float | None:
        """Return the seconds to wait before the next retry; None for no retry."""
        if attempt >= self.most or not error.retryable or isinstance(error, _LEFT_TO_THE_CALLER):
            return None
        if creates and not self.keys and is_ambiguous(error):
            return None
        if error.retry_after is None:
            return min(FIRST_PAUSE * 2.0**attempt, LONGEST_PAUSE) * random.uniform(0.75, 1.0)  # noqa: S311 - no secret
        return error.retry_after if error.retry_after <= LONGEST_ASKED else None


def is_ambiguous(error: AssistantsError) -> bool:
    """Return whether the server may have executed the request without confirming it."""
    if isinstance(error, ServerError):
        return not error.told
    return isinstance(error, DisconnectedError | RequestTimeoutError)
