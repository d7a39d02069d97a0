"""Reassembles a growing reply from the snapshots of an event stream, which carry only what is new."""

from collections.abc import Sequence
from typing import Any

JSON = dict[str, Any]


class Whole:
    """The texts received so far on one stream."""

    def __init__(self) -> None:
        self._texts: dict[int, str] = {}

    def segments(self, snapshot: Sequence[JSON]) -> list[JSON]:
        """The segments of a snapshot with their whole texts."""
        whole = [
            {**segment, "markdown": self._texts.get(place, "")[: segment["from"]] + segment["markdown"]}
            if segment["type"] == "text"
            else segment
            for place, segment in enumerate(snapshot)
        ]
        self._texts = {place: one["markdown"] for place, one in enumerate(whole) if one["type"] == "text"}
        return whole
