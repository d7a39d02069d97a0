"""How far each platform's messages have arrived, and whether any may have been missed."""

from collections import Counter


class Watermarks:
    """The newest position of each platform and its gaps. Positions are the platform's own and sort as text."""

    def __init__(self) -> None:
        self._newest: dict[str, str] = {}
        self._whole: set[str] = set()
        # By platform: gaps so far, and gaps when the current catch-up began.
        self._gaps, self._looks = Counter[str](), Counter[str]()

    def came(self, platform: str, position: str) -> None:
        """Record the position of a message that arrived."""
        self._newest[platform] = max(self._newest.get(platform, ""), position)

    def is_newest(self, platform: str, position: str) -> bool:
        """Return whether nothing that was posted later has arrived so far."""
        return position >= self._newest.get(platform, "")

    def gap(self, platform: str) -> None:
        """Record that messages may be missed from now on."""
        self._whole.discard(platform)
        self._gaps[platform] += 1

    def is_whole(self, platform: str) -> bool:
        """Return whether no message is missing."""
        return platform in self._whole

    def until(self, platform: str) -> str | None:
        """The position up to which every message arrived; None if one may be missing, or none arrived."""
        return self._newest.get(platform) if self.is_whole(platform) else None

    def look_begins(self, platform: str) -> None:
        self._looks[platform] = self._gaps[platform]

    def look_ends(self, platform: str) -> bool:
        """Mark the catch-up as complete, unless another gap began during it. Return whether it is complete."""
        if self._looks[platform] == self._gaps[platform]:
            self._whole.add(platform)
        return self.is_whole(platform)
