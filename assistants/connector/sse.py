"""Server-sent events out of a stream of bytes, however they are cut."""

Event = tuple[str, bytes]


class Decoder:
    """Feed it chunks; it gives (event, data) pairs, of which data is still bytes."""

    def __init__(self) -> None:
        self._buffer = b""
        self._held = b""

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that this chunk completes."""
        if self._held or b"\r" in chunk:
            chunk = self._with_line_feeds(chunk)
        *blocks, self._buffer = (self._buffer + chunk).split(b"\n\n")
        return [event for block in blocks if (event := _event(block)) is not None]

    def end(self) -> list[Event]:
        """A last `done` that no blank line followed; any other unfinished event was cut and is dropped."""
        event = _event(self._buffer)
        return [event] if event is not None and event[0] == "done" else []

    def _with_line_feeds(self, chunk: bytes) -> bytes:
        chunk = self._held + chunk
        self._held = b"\r" if chunk.endswith(b"\r") else b""  # its \n may be on its way
        return chunk.removesuffix(self._held).replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _event(block: bytes) -> Event | None:
    name, found, value = block.partition(b"\ndata: ")
    if found and name.startswith(b"event: ") and b"\n" not in name and b"\n" not in value:  # as nearly all of them are
        return name[7:].decode(errors="replace"), value
    event, lines = b"", list[bytes]()
    for line in block.split(b"\n"):
        name, _, value = line.partition(b":")
        if name == b"data":
            lines.append(value.removeprefix(b" "))
        elif name == b"event":
            event = value.removeprefix(b" ")
    data = b"\n".join(lines)
    return (event.decode(errors="replace"), data) if event or data else None
