"""What goes out: the pieces a reply is made of, and one moment of a growing reply."""

from dataclasses import dataclass, field
from typing import Literal

Remedy = Literal["connect_model"]


@dataclass(frozen=True, slots=True)
class Text:
    """Markdown, as the model wrote it. Whoever sends it makes it harmless first."""

    markdown: str


@dataclass(frozen=True, slots=True)
class Code:
    """A program or its output, as it is."""

    text: str
    language: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of plain words, the head first."""

    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class File:
    """A file that stands beside the words. `media_type` is that of its content, whatever its name says.

    `id` is what the assistants' server calls it, for surfaces that fetch it when somebody looks.
    """

    name: str
    media_type: str
    data: bytes = field(repr=False)
    id: str = ""


@dataclass(frozen=True, slots=True)
class Image(File):
    """A file to look at. `alt` says what it shows to those who do not see it."""

    alt: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """What a footnote stands for. `number` is the one in the text, in square brackets."""

    number: int
    title: str
    passage: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class Sources:
    """The footnotes under an answer."""

    notes: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """Something the assistant does on the way to its answer (`Running code`); shown while the reply grows.

    `key` tells it from the others of its reply; `after` is what to call it where it ended and nobody said how.
    """

    text: str
    state: Literal["running", "done", "failed"] = "running"
    key: str = ""
    after: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence of ours, not the model's: a label under an answer, or why there is none.

    `remedy` names what the person can do about it, for surfaces that can offer it at once.
    """

    text: str
    kind: Literal["label", "problem"] = "label"
    remedy: Remedy | None = None


Segment = Text | Code | Table | File | Image | Sources | Step | Notice


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A whole reply as it stands now. `status` says what is being done while there is no text yet."""

    segments: tuple[Segment, ...] = ()
    status: str = ""
