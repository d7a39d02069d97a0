"""The parts of a growing message: their stream events and their final content."""

from pydantic_core import to_json

from assistants.contract import (
    Annotation,
    AnnotationDelta,
    Content,
    ContentDelta,
    RefusalContent,
    RefusalDelta,
    TextContent,
    TextDelta,
    TextValue,
    TextValueDelta,
)
from assistants.service.pieces import RefusalPiece, TextPiece


class Part:
    """A part of a message's content as it grows."""

    def __init__(self, index: int, kind: type[TextPiece | RefusalPiece]) -> None:
        self.index = index
        self.kind = kind
        self.annotations: list[Annotation] = []
        self._pieces: list[str] = []

    @property
    def text(self) -> str:
        return "".join(self._pieces)

    def marked(self) -> TextDelta:
        """Return the event delta for the annotations."""
        found = [AnnotationDelta(index=index, **a.wire()) for index, a in enumerate(self.annotations)]
        return TextDelta(index=self.index, text=TextValueDelta(annotations=found))

    def add(self, text: str) -> None:
        self._pieces.append(text)

    def first(self, text: str) -> ContentDelta:
        """Return the event delta for the first piece."""
        if self.kind is RefusalPiece:
            return RefusalDelta(index=self.index, refusal=text)
        return TextDelta(index=self.index, text=TextValueDelta(value=text, annotations=[]))

    def told(self, message_id: str, text: str) -> str:
        """Return a later piece as server-sent text, formatted directly because most events are of this kind."""
        said = to_json(text).decode()
        if self.kind is RefusalPiece:
            inner = f'"type":"refusal","refusal":{said}'
        else:
            inner = f'"type":"text","text":{{"value":{said}}}'
        return (
            f'event: thread.message.delta\ndata: {{"id":"{message_id}","object":"thread.message.delta",'
            f'"delta":{{"content":[{{"index":{self.index},{inner}}}]}}}}\n\n'
        )

    @property
    def content(self) -> Content:
        if self.kind is RefusalPiece:
            return RefusalContent(refusal=self.text)
        return TextContent(text=TextValue(value=self.text, annotations=self.annotations))
