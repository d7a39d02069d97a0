"""State machine of runs, their steps and messages: the allowed transitions and the fields each one sets."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from assistants.contract import (
    TERMINAL,
    Content,
    LastError,
    Message,
    Reason,
    RequiredAction,
    Run,
    RunStatus,
    RunStep,
    StepError,
    StepStatus,
    Usage,
)

NEXT: Mapping[RunStatus, frozenset[RunStatus]] = {
    "queued": frozenset({"in_progress", "cancelling", "failed", "expired"}),
    "in_progress": frozenset({"requires_action", "completed", "incomplete", "failed", "cancelling", "expired"}),
    "requires_action": frozenset({"queued", "cancelling", "expired"}),
    "cancelling": frozenset({"cancelled"}),
}

EndStatus = Literal["completed", "incomplete", "failed", "cancelled", "expired"]

# How a run's end appears on the step and the message it was writing.
_STEP: Mapping[EndStatus, StepStatus] = {
    "completed": "completed",
    "incomplete": "completed",
    "failed": "failed",
    "cancelled": "cancelled",
    "expired": "expired",
}
_CUT: Mapping[EndStatus, str] = {
    "incomplete": "max_tokens",
    "failed": "run_failed",
    "cancelled": "run_cancelled",
    "expired": "run_expired",
}


class IllegalTransition(Exception):
    """A run's current state does not allow the transition."""

    def __init__(self, run: Run, status: RunStatus) -> None:
        super().__init__(f"Run {run.id} is {run.status} and cannot become {status}.")


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ends: its error if it failed, and `cut`, the reason of an incomplete message if it is a special one.

    `budget` is the limit that an incomplete run reached.
    """

    status: EndStatus
    error: LastError | None = None
    cut: str | None = None
    budget: str = "max_completion_tokens"


def begin(run: Run, now: int) -> Run:
    """Return a run that starts, or continues with submitted tool outputs."""
    return _move(run, "in_progress", started_at=run.started_at or now)


def pause(run: Run, action: RequiredAction) -> Run:
    return _move(run, "requires_action", required_action=action)


def requeue(run: Run) -> Run:
    return _move(run, "queued", required_action=None)


def cancelling(run: Run) -> Run:
    return _move(run, "cancelling", required_action=None)


def ending_of(run: Run, wanted: Ending) -> Ending:
    """Return the run's actual ending: `cancelled` if it was cancelled in the meantime."""
    return Ending("cancelled") if run.status == "cancelling" else wanted


def end(run: Run, ending: Ending, usage: Usage | None, now: int) -> Run:
    stamp = {f"{ending.status}_at": now} if ending.status in ("completed", "failed", "cancelled") else {}
    incomplete = Reason(reason=ending.budget) if ending.status == "incomplete" else None
    said = {"last_error": ending.error, "incomplete_details": incomplete, "usage": usage, "required_action": None}
    return _move(run, ending.status, **said, **stamp)


def end_step(step: RunStep, ending: Ending, now: int) -> RunStep:
    status = _STEP[ending.status]
    error = StepError(code=_step_code(ending.error), message=ending.error.message) if ending.error else None
    return step.model_copy(update={"status": status, f"{status}_at": now, "last_error": error})


def end_message(message: Message, content: Sequence[Content], ending: Ending, now: int) -> Message:
    reason = ending.cut or _CUT.get(ending.status)
    if reason is None:
        return message.model_copy(update={"status": "completed", "completed_at": now, "content": list(content)})
    details = {"incomplete_details": Reason(reason=reason), "incomplete_at": now}
    return message.model_copy(update={"status": "incomplete", "content": list(content), **details})


def total(usages: Iterable[Usage | None]) -> Usage | None:
    """Return the total usage of a run's steps; None if the model reported none."""
    known = [usage for usage in usages if usage is not None]
    if not known:
        return None
    return usage_of(
        sum(u.prompt_tokens for u in known),
        sum(u.completion_tokens for u in known),
        _sum((u.prompt_token_details or {}).get("cached_tokens") for u in known),
        _sum((u.completion_tokens_details or {}).get("reasoning_tokens") for u in known),
    )


def usage_of(prompt: int, completion: int, cached: int | None = None, reasoning: int | None = None) -> Usage:
    details: dict[str, Any] = {}
    if cached is not None:
        details["prompt_token_details"] = {"cached_tokens": cached}
    if reasoning is not None:
        details["completion_tokens_details"] = {"reasoning_tokens": reasoning}
    return Usage(prompt_tokens=prompt, completion_tokens=completion, total_tokens=prompt + completion, **details)


def _sum(counts: Iterable[int | None]) -> int | None:
    told = [count for count in counts if count is not None]
    return sum(told) if told else None


def _step_code(error: LastError) -> str:
    return error.code if error.code == "rate_limit_exceeded" else "server_error"


def _move(run: Run, status: RunStatus, **changes: Any) -> Run:
    if status not in NEXT.get(run.status, frozenset()):
        raise IllegalTransition(run, status)
    expiry = {"expires_at": None} if status in TERMINAL else {}
    return run.model_copy(update={"status": status, **changes, **expiry})
