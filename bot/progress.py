"""Turns a run's tool calls into the steps that people see."""

from assistants.contract import RunStep, RunStepDelta, ToolCallsDelta
from bot.segments import Step

# The texts by type of tool call: while it runs, and after it.
DOING = {
    "code_interpreter": ("Running code…", "Ran code"),
    "file_search": ("Searching the files…", "Searched the files"),
}


class Progress:
    """Follows a run's events; `steps` are those done so far and those in progress."""

    def __init__(self) -> None:
        self._steps: dict[str, Step] = {}

    @property
    def steps(self) -> tuple[Step, ...]:
        return tuple(self._steps.values())

    def note(self, step: Step) -> None:
        """Add or update a step that happens outside the server, such as a function call."""
        self._steps[step.key] = step

    def hear(self, told: RunStep | RunStepDelta) -> bool:
        """Take an event; return whether it changes what people see."""
        before = self.steps
        if isinstance(told, RunStepDelta):
            details = told.delta.step_details
            for call in (details.tool_calls or ()) if isinstance(details, ToolCallsDelta) else ():
                if call.type in DOING:
                    doing, done = DOING[call.type]
                    self._steps[told.id] = Step(doing, key=told.id, after=done)
        elif told.id in self._steps and told.status != "in_progress":
            is_done = told.status == "completed"
            after = self._steps[told.id].after
            self._steps[told.id] = Step(after, "done" if is_done else "failed", told.id, after)
        return self.steps != before
