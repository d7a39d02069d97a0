"""What is known of a model: what it can do, how much it reads, how many tokens text makes for it."""

from dataclasses import dataclass, field

from assistants.service.tokens import Gauge

# What a model is taken to read until it says otherwise: most read more, and those that read less say so once.
UNKNOWN_WINDOW = 32_768
SMALLEST_WINDOW = 512
ANSWER_TOKENS = 4_096


@dataclass(frozen=True, slots=True)
class Traits:
    """What is said of a model: the tokens it reads at once, whether it sees pictures, whether it calls tools itself.

    None is unknown: it is tried. One that `does_without` answers also where a tool of its assistant cannot be used.
    """

    context: int | None = None
    vision: bool | None = None
    tools: bool | None = None
    does_without: bool = False


@dataclass(slots=True)
class Measure:
    """The traits of one model with what was learnt while it was used."""

    traits: Traits = field(default_factory=Traits)
    gauge: Gauge = field(default_factory=Gauge)
    learnt: int | None = None
    name: str | None = None
    """What it is remembered by over a restart; None for one that is not."""

    @property
    def window(self) -> int:
        return self.learnt or self.traits.context or UNKNOWN_WINDOW

    def prompt_room(self, answer: int | None) -> int:
        """Tokens a prompt may have when the answer is to have so many."""
        return self.window - min(answer or ANSWER_TOKENS, self.window // 4)

    def was_too_long(self, limit: int | None) -> bool:
        """Take in that a prompt did not fit, and the limit the endpoint named; False when nothing can be cut any more.

        A limit that the last prompt was thought to keep shows that the count was too low.
        """
        narrower = limit if limit and limit < self.window else self.window // 2
        if narrower < SMALLEST_WINDOW:
            return False
        self.learnt = narrower
        return True
