"""When a request is asked again: after how long, and whether at all."""

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
# A server that asks for more patience than this is left alone: its caller decides.
LONGEST_ASKED = 120.0
# A locked thread is locked for as long as its run takes, an open circuit for its rest: the caller knows better what to
# do meanwhile.
_LEFT_TO_THE_CALLER = (CircuitOpenError, ThreadLockedError)


@dataclass(frozen=True, slots=True)
class Retries:
    """At most `most` repetitions of one request; `keys` says that the server honours `Idempotency-Key`."""

    most: int
    keys: bool = False

    def pause(self, error: AssistantsError, *, attempt: int, creates: bool) -> float | None:
        """The seconds to wait before the request is asked again; None when it is not."""
        if attempt >= self.most or not error.retryable or isinstance(error, _LEFT_TO_THE_CALLER):
            return None
        if creates and not self.keys and is_ambiguous(error):
            return None
        if error.retry_after is None:
            return min(FIRST_PAUSE * 2.0**attempt, LONGEST_PAUSE) * random.uniform(0.75, 1.0)  # noqa: S311 - no secret
        return error.retry_after if error.retry_after <= LONGEST_ASKED else None


def is_ambiguous(error: AssistantsError) -> bool:
    """Whether the server may have done what it was asked, although it did not say so."""
    if isinstance(error, ServerError):
        return not error.told
    return isinstance(error, DisconnectedError | RequestTimeoutError)
