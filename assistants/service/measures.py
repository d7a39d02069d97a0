"""What is known about a model: features, context window, tokens per text."""

from dataclasses import dataclass, field

from assistants.service.tokens import Gauge

# The assumed context window of an unknown model. Most have more, and an error reveals those that have less.
UNKNOWN_WINDOW = 32_768
SMALLEST_WINDOW = 512
ANSWER_TOKENS = 4_096


@dataclass(frozen=True, slots=True)
class Traits:
    """Declared features of a model: context window in tokens, vision, native tool calls.

    None means unknown. `does_without`: the model answers even if a tool of its assistant is unavailable.
    """

    context: int | None = None
    vision: bool | None = None
    tools: bool | None = None
    does_without: bool = False


@dataclass(slots=True)
class Measure:
    """The traits of one model, and what was learned in use."""

    traits: Traits = field(default_factory=Traits)
    gauge: Gauge = field(default_factory=Gauge)
    learnt: int | None = None
    name: str | None = None
    """What it is remembered by over a restart; None for one that is not."""

    @property
    def window(self) -> int:
        return self.learnt or self.traits.context or UNKNOWN_WINDOW

    def prompt_room(self, answer: int | None) -> int:
        """Return the tokens available for the prompt, given the answer's limit."""
        return self.window - min(answer or ANSWER_TOKENS, self.window // 4)

    def was_too_long(self, limit: int | None) -> bool:
        """Learn that a prompt did not fit, and the limit named. Return False if nothing more can be cut.

        If the prompt was estimated to be within that limit, the estimate was too low.
        """
        narrower = limit if limit and limit < self.window else self.window // 2
        if narrower < SMALLEST_WINDOW:
            return False
        self.learnt = narrower
        return True
