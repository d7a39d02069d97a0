"""What a reply consists of: its segments, and the snapshot of a growing reply."""

from dataclasses import dataclass, field
from typing import Literal

Remedy = Literal["connect_model"]


@dataclass(frozen=True, slots=True)
class Text:
    """Markdown as the model wrote it. An adapter must make it harmless before sending it."""

    markdown: str


@dataclass(frozen=True, slots=True)
class Code:
    """A program or its output, verbatim."""

    text: str
    language: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of plain text, the header first."""

    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class File:
    """A file that comes with the text. `media_type` is that of its content, whatever its name says.

    `id` is its id on the assistants' server, for surfaces that fetch it on demand.
    """

    name: str
    media_type: str
    data: bytes = field(repr=False)
    id: str = ""


@dataclass(frozen=True, slots=True)
class Image(File):
    """A picture. `alt` describes it for people who cannot see it."""

    alt: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """The source of a footnote. `number` is the footnote's number in the text, in square brackets."""

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
    """Something the assistant does before it answers (`Running code`); shown while the reply grows.

    `key` identifies the step within its reply; `after` is its text once it has ended without a reported result.
    """

    text: str
    state: Literal["running", "done", "failed"] = "running"
    key: str = ""
    after: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence of Threadline, not of the model: a label under an answer, or why there is no answer.

    `remedy` names what the person can do about it, for surfaces that can offer it directly.
    """

    text: str
    kind: Literal["label", "problem"] = "label"
    remedy: Remedy | None = None


Segment = Text | Code | Table | File | Image | Sources | Step | Notice


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The whole reply so far. `status` says what is being done while there is no text yet."""

    segments: tuple[Segment, ...] = ()
    status: str = ""
