"""Stream events of a run, one class per kind of data, parsed from and written as server-sent events."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from assistants.contract.base import Wire
from assistants.contract.errors import ErrorDetail
from assistants.contract.objects import Message, MessageDelta, Run, Thread
from assistants.contract.steps import RunStep, RunStepDelta


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """An event by its name on the wire, such as `thread.run.created`, and what it carries."""

    event: str
    data: Any

    def sse(self) -> str:
        """The event as server-sent text, its blank line included."""
        data = self.data.wire_json() if isinstance(self.data, Wire) else json.dumps(self.data)
        return f"event: {self.event}\ndata: {data}\n\n"


@dataclass(frozen=True, slots=True)
class ThreadEvent(StreamEvent):
    data: Thread


@dataclass(frozen=True, slots=True)
class RunEvent(StreamEvent):
    data: Run


@dataclass(frozen=True, slots=True)
class RunStepEvent(StreamEvent):
    data: RunStep


@dataclass(frozen=True, slots=True)
class RunStepDeltaEvent(StreamEvent):
    data: RunStepDelta


@dataclass(frozen=True, slots=True)
class MessageEvent(StreamEvent):
    data: Message


@dataclass(frozen=True, slots=True)
class MessageDeltaEvent(StreamEvent):
    data: MessageDelta


@dataclass(frozen=True, slots=True)
class ErrorEvent(StreamEvent):
    """An error outside the run; it ends the stream."""

    data: ErrorDetail

    def sse(self) -> str:
        # The API's description has the bare error, the SDKs raise only on one under "error": this is both.
        error = self.data.wire()
        return f"event: {self.event}\ndata: {json.dumps({**error, 'error': error})}\n\n"


@dataclass(frozen=True, slots=True)
class DoneEvent(StreamEvent):
    """The last event of every stream."""

    event: str = "done"
    data: str = "[DONE]"

    def sse(self) -> str:
        return f"event: {self.event}\ndata: {self.data}\n\n"


@dataclass(frozen=True, slots=True)
class OtherEvent(StreamEvent):
    """An event that the contract does not have; `data` is its JSON."""


RUN_EVENTS = tuple(
    f"thread.run.{status}"
    for status in (
        "created",
        "queued",
        "in_progress",
        "requires_action",
        "completed",
        "incomplete",
        "failed",
        "cancelling",
        "cancelled",
        "expired",
    )
)
STEP_EVENTS = tuple(
    f"thread.run.step.{status}" for status in ("created", "in_progress", "completed", "failed", "cancelled", "expired")
)
MESSAGE_EVENTS = tuple(f"thread.message.{status}" for status in ("created", "in_progress", "completed", "incomplete"))

# What each event's data is, and the class that carries it; `error` and `done` are read apart.
EVENTS: Mapping[str, tuple[type[StreamEvent], type[Wire]]] = {
    "thread.created": (ThreadEvent, Thread),
    "thread.run.step.delta": (RunStepDeltaEvent, RunStepDelta),
    "thread.message.delta": (MessageDeltaEvent, MessageDelta),
    **dict.fromkeys(RUN_EVENTS, (RunEvent, Run)),
    **dict.fromkeys(STEP_EVENTS, (RunStepEvent, RunStep)),
    **dict.fromkeys(MESSAGE_EVENTS, (MessageEvent, Message)),
}
