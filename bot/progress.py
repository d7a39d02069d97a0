"""What a run does beside writing, as steps people see while it does."""

from assistants.contract import RunStep, RunStepDelta, ToolCallsDelta
from bot.segments import Step

# By the type of a call, as said while it runs, and when it has.
DOING = {
    "code_interpreter": ("Running code…", "Ran code"),
    "file_search": ("Searching the files…", "Searched the files"),
}


class Progress:
    """Fed with a run's events; `steps` are those it took so far and those that are under way."""

    def __init__(self) -> None:
        self._steps: dict[str, Step] = {}

    @property
    def steps(self) -> tuple[Step, ...]:
        return tuple(self._steps.values())

    def note(self, step: Step) -> None:
        """What is done for the run outside of its server."""
        self._steps[step.key] = step

    def hear(self, told: RunStep | RunStepDelta) -> bool:
        """Whether what people see changes with it."""
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
