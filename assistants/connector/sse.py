"""Server-sent events out of a stream of bytes, however they are cut."""

import re
from collections.abc import Iterator

_LINE_END = re.compile(rb"\r\n|\n|\r")


class Decoder:
    """Feed it chunks; it gives (event, data) pairs, of which data is still bytes."""

    def __init__(self) -> None:
        self._buffer = b""
        self._event = b""
        self._data: list[bytes] = []

    def feed(self, chunk: bytes) -> Iterator[tuple[str, bytes]]:
        """The events that this chunk completes."""
        buffer = self._buffer + chunk
        held = b"\r" if buffer.endswith(b"\r") else b""  # its \n may be on its way
        *lines, rest = _LINE_END.split(buffer.removesuffix(held))
        self._buffer = rest + held
        for line in lines:
            if line:
                self._field(line)
            elif (event := self._dispatch()) is not None:
                yield event

    def end(self) -> Iterator[tuple[str, bytes]]:
        """A last `done` that no blank line followed; any other unfinished event was cut and is dropped."""
        self._field(self._buffer.rstrip(b"\r"))
        event = self._dispatch()
        if event is not None and event[0] == "done":
            yield event

    def _field(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"event":
            self._event = value
        elif name == b"data":
            self._data.append(value)

    def _dispatch(self) -> tuple[str, bytes] | None:
        event, data = self._event.decode(errors="replace"), b"\n".join(self._data)
        self._event, self._data = b"", []
        return (event, data) if event or data else None
