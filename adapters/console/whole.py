"""A reply that grows, put together from what a stream of events tells of it."""

from collections.abc import Sequence
from typing import Any

JSON = dict[str, Any]


class Whole:
    """Of one stream: each snapshot on it tells what is new since the one before."""

    def __init__(self) -> None:
        self._texts: dict[int, str] = {}

    def segments(self, snapshot: Sequence[JSON]) -> list[JSON]:
        """The segments of a snapshot with the whole of their texts."""
        whole = [
            {**segment, "markdown": self._texts.get(place, "")[: segment["from"]] + segment["markdown"]}
            if segment["type"] == "text"
            else segment
            for place, segment in enumerate(snapshot)
        ]
        self._texts = {place: one["markdown"] for place, one in enumerate(whole) if one["type"] == "text"}
        return whole
