"""The protocol between a session and its host: frames of one JSON line, followed by `size` bytes.

Printed output goes to standard error. The host trusts nothing from here, because code can change all of it.
"""

import json
import os
from collections.abc import Callable, Iterable
from typing import Any, BinaryIO

# The name of a file that was written, how large it is, and how it is read.
Written = tuple[str, int, Callable[[], bytes]]


class Speaker:
    """Answers each frame by the method that it names."""

    def __init__(self) -> None:
        self._ask, self._tell = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
        self._limits: dict[str, int] = {}
        nothing = os.open("/dev/null", os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        os.dup2(2, 1)

    def serve(self) -> None:
        ask: BinaryIO = self._ask
        while line := ask.readline():
            asked = json.loads(line)
            blob = ask.read(asked.get("size", 0))
            try:
                getattr(self, "do_" + asked["do"])(asked, blob)
            except OSError as error:
                self.say("refused", why=error.strerror or str(error))

    def say(self, what: str, blob: bytes = b"", **more: Any) -> None:
        self._tell.write(json.dumps({"is": what, "size": len(blob), **more}).encode() + b"\n" + blob)
        self._tell.flush()

    def hand_back(self, number: int, figures: Iterable[bytes], written: Iterable[Written]) -> None:
        """What a call drew and wrote, as far as the limits go; the rest by name."""
        room, count = self._limits["returned"], self._limits["returned_files"]
        pictures = enumerate(figures, 1)
        drawn = ((f"figure-{number}-{place}.png", len(each), each.__bytes__) for place, each in pictures)
        for kind, items in (("figure", drawn), ("file", written)):
            for name, size, read in items:
                if count and size <= room:
                    content = read()[:size]
                    room, count = room - len(content), count - 1
                    self.say(kind, content, name=name)
                else:
                    self.say("left", name=name, size_left=size)
