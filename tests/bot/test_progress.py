"""Steps of a run are heard while they are under way, and again when they have ended."""

from typing import Any

import pytest

from assistants.contract import RunStep, RunStepDelta
from bot.progress import Progress
from bot.segments import Step


def delta(step: str, kind: str = "code_interpreter") -> RunStepDelta:
    details: Any = {"type": "tool_calls", "tool_calls": [{"index": 0, "type": kind}]}
    return RunStepDelta.model_validate({"id": step, "delta": {"step_details": details}})


def step(id_: str, status: str) -> RunStep:
    body: Any = {"id": id_, "created_at": 1, "assistant_id": "asst_1", "thread_id": "thread_1", "run_id": "run_1"}
    details = {"type": "tool_calls", "tool_calls": []}
    return RunStep.model_validate({**body, "type": "tool_calls", "status": status, "step_details": details})


def test_running_code_is_reported_once_for_all_its_deltas() -> None:
    progress = Progress()
    assert not progress.hear(step("step_1", "in_progress"))
    assert progress.hear(delta("step_1"))
    assert not progress.hear(delta("step_1"))
    assert progress.steps == (Step("Running code…", "running", "step_1"),)


@pytest.mark.parametrize(("status", "state"), [("completed", "done"), ("failed", "failed"), ("cancelled", "failed")])
def test_the_end_of_a_step_is_reported(status: str, state: Any) -> None:
    progress = Progress()
    progress.hear(delta("step_1"))
    assert progress.hear(step("step_1", status))
    assert progress.steps == (Step("Ran code", state, "step_1"),)


def test_an_unknown_kind_of_step_is_not_shown() -> None:
    progress = Progress()
    assert not progress.hear(delta("step_1", "something_else"))
    assert not progress.hear(step("step_1", "completed"))
