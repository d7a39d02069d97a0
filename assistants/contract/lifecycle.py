"""The states of runs and messages, and which of them are terminal."""

from typing import Literal

RunStatus = Literal[
    "queued",
    "in_progress",
    "requires_action",
    "cancelling",
    "cancelled",
    "failed",
    "completed",
    "incomplete",
    "expired",
]
MessageStatus = Literal["in_progress", "incomplete", "completed"]

# While a run is active its thread is locked: no new message, no second run.
ACTIVE: frozenset[RunStatus] = frozenset({"queued", "in_progress", "requires_action", "cancelling"})
TERMINAL: frozenset[RunStatus] = frozenset({"cancelled", "failed", "completed", "incomplete", "expired"})
