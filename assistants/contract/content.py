"""Message content and its stream deltas."""

from typing import Annotated, Any, Literal

from pydantic import Field

from assistants.contract.base import LEFT_FIRST, Request, Sparse, Wire, other_than

Detail = Literal["auto", "low", "high"]
Position = Annotated[int, Field(ge=0)]
CONTENT_TYPES = ("text", "image_file", "image_url", "refusal")
ANNOTATION_TYPES = ("file_citation", "file_path")


class FileReference(Wire):
    file_id: str


class FileCitation(Wire):
    """A place in the text that quotes a file."""

    type: Literal["file_citation"] = "file_citation"
    text: str
    file_citation: FileReference
    start_index: Position
    end_index: Position


class FilePath(Wire):
    """A place in the text that names a file the code interpreter wrote."""

    type: Literal["file_path"] = "file_path"
    text: str
    file_path: FileReference
    start_index: Position
    end_index: Position


class OtherAnnotation(Wire):
    type: Annotated[str, other_than(*ANNOTATION_TYPES)]


Annotation = Annotated[Annotated[FileCitation | FilePath, Field(discriminator="type")] | OtherAnnotation, LEFT_FIRST]


class TextValue(Wire):
    value: str
    annotations: list[Annotation] = Field(default_factory=list)


class TextContent(Wire):
    type: Literal["text"] = "text"
    text: TextValue


class ImageFile(Sparse):
    file_id: str
    detail: Detail | None = None


class ImageFileContent(Wire):
    type: Literal["image_file"] = "image_file"
    image_file: ImageFile


class ImageUrl(Sparse):
    url: str
    detail: Detail | None = None


class ImageUrlContent(Wire):
    type: Literal["image_url"] = "image_url"
    image_url: ImageUrl


class RefusalContent(Wire):
    type: Literal["refusal"] = "refusal"
    refusal: str


class OtherContent(Wire):
    """Content of a server that has more kinds than the contract."""

    type: Annotated[str, other_than(*CONTENT_TYPES)]


KnownContent = Annotated[TextContent | ImageFileContent | ImageUrlContent | RefusalContent, Field(discriminator="type")]
Content = Annotated[KnownContent | OtherContent, LEFT_FIRST]


class TextInput(Request):
    """Text in a request, where it is a plain string."""

    type: Literal["text"] = "text"
    text: str


ContentInput = Annotated[TextInput | ImageFileContent | ImageUrlContent, Field(discriminator="type")]


class AnnotationDelta(Sparse):
    """A piece of an annotation, merged into the one with the same index."""

    index: int
    type: str
    text: str | None = None
    file_citation: dict[str, Any] | None = None
    file_path: dict[str, Any] | None = None
    start_index: Position | None = None
    end_index: Position | None = None


class TextValueDelta(Sparse):
    """Text to append."""

    value: str | None = None
    # Never said as null: accumulators of some SDKs stop at one.
    annotations: Annotated[list[AnnotationDelta] | None, Field(exclude_if=lambda said: said is None)] = None


class TextDelta(Sparse):
    index: int
    type: Literal["text"] = "text"
    text: TextValueDelta | None = None


class ImageFileDelta(Sparse):
    index: int
    type: Literal["image_file"] = "image_file"
    image_file: ImageFile | None = None


class ImageUrlDelta(Sparse):
    index: int
    type: Literal["image_url"] = "image_url"
    image_url: ImageUrl | None = None


class RefusalDelta(Sparse):
    index: int
    type: Literal["refusal"] = "refusal"
    refusal: str | None = None


class OtherContentDelta(Sparse):
    index: int
    type: Annotated[str, other_than(*CONTENT_TYPES)]


ContentDelta = Annotated[
    Annotated[TextDelta | ImageFileDelta | ImageUrlDelta | RefusalDelta, Field(discriminator="type")]
    | OtherContentDelta,
    LEFT_FIRST,
]
