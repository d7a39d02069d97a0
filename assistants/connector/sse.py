"""Parses server-sent events from byte chunks of any size."""

Event = tuple[str, bytes]


class Decoder:
    """Turns chunks into (event, data) pairs; data stays bytes."""

    def __init__(self) -> None:
        self._buffer = b""
        self._held = b""

    def feed(self, chunk: bytes) -> list[Event]:
        """Return the events that this chunk completes."""
        if self._held or b"\r" in chunk:
            chunk = self._with_line_feeds(chunk)
        *blocks, self._buffer = (self._buffer + chunk).split(b"\n\n")
        return [event for block in blocks if (event := _event(block)) is not None]

    def end(self) -> list[Event]:
        """Return a final `done` without its blank line; any other unfinished event is truncated and dropped."""
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
