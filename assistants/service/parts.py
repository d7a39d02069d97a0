"""The parts of a message as they grow: what is told of each piece, and what is kept in the end."""

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
        """What is told of the annotations."""
        found = [AnnotationDelta(index=index, **a.wire()) for index, a in enumerate(self.annotations)]
        return TextDelta(index=self.index, text=TextValueDelta(annotations=found))

    def add(self, text: str) -> None:
        self._pieces.append(text)

    def first(self, text: str) -> ContentDelta:
        """What is told of the first piece."""
        if self.kind is RefusalPiece:
            return RefusalDelta(index=self.index, refusal=text)
        return TextDelta(index=self.index, text=TextValueDelta(value=text, annotations=[]))

    def told(self, message_id: str, text: str) -> str:
        """A later piece as server-sent text: what its event would say, written by hand, since most events are these."""
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
