"""Assembles a run, its messages and its steps from stream events."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from assistants.connector import lenient
from assistants.contract import (
    Message,
    MessageDelta,
    MessageDeltaEvent,
    MessageEvent,
    Run,
    RunEvent,
    RunStep,
    RunStepDelta,
    RunStepDeltaEvent,
    RunStepEvent,
    StreamEvent,
    Thread,
    ThreadEvent,
    Wire,
)

W = TypeVar("W", bound=Wire)
_Delta = MessageDelta | RunStepDelta | bytes

# Deltas are merged on access or when this many are pending: most readers never access them.
_MOST_PENDING = 256
# Only these fields grow; for any other the newest value counts.
_GROWING = frozenset({"value", "refusal", "arguments", "input", "logs"})
_BEGINNINGS: Mapping[str, dict[str, Any]] = {
    "text": {"text": {"value": "", "annotations": []}},
    "refusal": {"refusal": ""},
    "function": {"function": {"name": "", "arguments": "", "output": None}},
    "code_interpreter": {"code_interpreter": {"input": "", "outputs": []}},
    "logs": {"logs": ""},
}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state of a run at one moment; messages and steps in the order in which they began."""

    thread: Thread | None = None
    run: Run | None = None
    messages: list[Message] = field(default_factory=list)
    steps: list[RunStep] = field(default_factory=list)

    @property
    def text(self) -> str:
        """Return the text of all messages, separated by blank lines."""
        return "\n\n".join(filter(None, (message.text for message in self.messages)))


class Accumulator:
    """Applies events in order, tolerating gaps; `snapshot` is a copy of the resulting state."""

    def __init__(self) -> None:
        self.thread: Thread | None = None
        self.run: Run | None = None
        self._messages: dict[str, _Growing[Message]] = {}
        self._steps: dict[str, _Growing[RunStep]] = {}

    @property
    def snapshot(self) -> Snapshot:
        return Snapshot(self.thread, self.run, self.messages, self.steps)

    @property
    def messages(self) -> list[Message]:
        return [growing.whole() for growing in self._messages.values()]

    @property
    def steps(self) -> list[RunStep]:
        return [growing.whole() for growing in self._steps.values()]

    def take(self, event: StreamEvent, said: bytes | None = None) -> None:
        """`said` is the event's raw data, if available: it takes less memory than the parsed event."""
        if isinstance(event, MessageDeltaEvent):
            self._message(event.data.id).grow(said or event.data)
            return
        match event:
            case RunStepDeltaEvent(data=delta):
                self._step(delta.id).grow(said or delta)
            case MessageEvent(data=message):
                self._message(message.id).replace(message)
            case RunStepEvent(data=step):
                self._step(step.id).replace(step)
            case RunEvent(data=run):
                self.run = run
            case ThreadEvent(data=thread):
                self.thread = thread

    def _message(self, id_: str) -> "_Growing[Message]":
        if id_ not in self._messages:
            self._messages[id_] = _Growing(Message, lambda: self._beginning(id_, role="assistant", content=[]))
        return self._messages[id_]

    def _step(self, id_: str) -> "_Growing[RunStep]":
        if id_ not in self._steps:
            calls = {"type": "tool_calls", "tool_calls": []}
            self._steps[id_] = _Growing(RunStep, lambda: self._beginning(id_, type="tool_calls", step_details=calls))
        return self._steps[id_]

    def _beginning(self, id_: str, **fields: Any) -> dict[str, Any]:
        """Create an object whose first event was missed, from what the run tells."""
        run = self.run
        known = {"thread_id": run.thread_id, "assistant_id": run.assistant_id, "run_id": run.id} if run else {}
        empty = {"thread_id": "", "assistant_id": "", "run_id": ""}
        created = run.created_at if run else 0
        return {**empty, **known, "id": id_, "created_at": created, "status": "in_progress", **fields}


class _Growing(Generic[W]):
    """A message or a step: its last whole state, and the deltas since then."""

    def __init__(self, model: type[W], beginning: Callable[[], dict[str, Any]]) -> None:
        self._model = model
        self._beginning = beginning
        self._whole: W | None = None
        self._raw: dict[str, Any] | None = None
        self._pending: list[_Delta] = []

    def replace(self, whole: W) -> None:
        self._whole, self._raw = whole, None
        self._pending.clear()

    def grow(self, delta: _Delta) -> None:
        self._pending.append(delta)
        if len(self._pending) >= _MOST_PENDING:
            self._fold()

    def whole(self) -> W:
        self._fold()
        if self._whole is None and self._raw is not None:
            self._whole = self._model.model_validate(lenient.mend(_said(self._raw)))
        assert self._whole is not None  # noqa: S101 - it began with one or the other
        return self._whole

    def _fold(self) -> None:
        if not self._pending:
            return
        if self._raw is None:
            self._raw = self._whole.wire() if self._whole else self._beginning()
            _number(self._raw)
        for delta in self._pending:
            merge(self._raw, json.loads(delta)["delta"] if isinstance(delta, bytes) else delta.delta.wire())
        self._pending.clear()
        self._whole = None


def merge(whole: dict[str, Any], piece: Mapping[str, Any]) -> None:
    """Merge a delta: growing texts are appended, lists merged by `index`, other values replaced."""
    for name, value in piece.items():
        before = whole.get(name)
        if value is None and before is not None:
            continue
        if isinstance(value, Mapping):
            whole[name] = before if isinstance(before, dict) else {}
            merge(whole[name], value)
        elif isinstance(value, list) and all(isinstance(item, Mapping) and "index" in item for item in value):
            whole[name] = _merged(before if isinstance(before, list) else [], value)
        elif name in _GROWING and isinstance(before, str) and isinstance(value, str):
            whole[name] = before + value
        else:
            whole[name] = value


def _merged(items: list[dict[str, Any]], pieces: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    by_index = {item["index"]: item for item in items if "index" in item}
    for piece in pieces:
        index = piece["index"]
        if index not in by_index:
            by_index[index] = {}
            merge(by_index[index], _BEGINNINGS.get(str(piece.get("type")), {}))
        merge(by_index[index], piece)
    return [by_index[index] for index in sorted(by_index)]


def _number(value: Any) -> None:
    """Add to the list items of a whole object the index that deltas use."""
    if isinstance(value, dict):
        for item in value.values():
            _number(item)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            if isinstance(item, dict):
                item.setdefault("index", index)
                _number(item)


def _said(value: Any) -> Any:
    """Remove those indexes again; whole objects do not have them."""
    if isinstance(value, list):
        return [_said(_unnumbered(item) if isinstance(item, dict) else item) for item in value]
    if isinstance(value, dict):
        return {name: _said(item) for name, item in value.items()}
    return value


def _unnumbered(item: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name != "index"}
