"""What goes out: the pieces a reply is made of, and one moment of a growing reply."""

from dataclasses import dataclass
from typing import Literal

Remedy = Literal["connect_model"]


@dataclass(frozen=True, slots=True)
class Text:
    """Markdown, as the model wrote it. Whoever sends it makes it harmless first."""

    markdown: str


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence of ours, not the model's: a label under an answer, or why there is none.

    `remedy` names what the person can do about it, for surfaces that can offer it at once.
    """

    text: str
    kind: Literal["label", "problem"] = "label"
    remedy: Remedy | None = None


Segment = Text | Notice


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A whole reply as it stands now. `status` says what is being done while there is no text yet."""

    segments: tuple[Segment, ...] = ()
    status: str = ""


def plain(segments: tuple[Segment, ...]) -> str:
    """The words of a reply, without any platform's form."""
    return "\n\n".join(s.markdown if isinstance(s, Text) else s.text for s in segments)
