"""What has come from each platform, and whether something may have been said there that has not."""

from collections import Counter


class Watermarks:
    """Positions are the platform's own, and sort as text."""

    def __init__(self) -> None:
        self._newest: dict[str, str] = {}
        self._whole: set[str] = set()
        # How many gaps there were on each platform, and how many when the look behind them began.
        self._gaps, self._looks = Counter[str](), Counter[str]()

    def came(self, platform: str, position: str) -> bool:
        """Whether it came in order: nothing that was said later came before it."""
        newest = self._newest.get(platform, "")
        self._newest[platform] = max(newest, position)
        return position >= newest

    def gap(self, platform: str) -> None:
        """From here on something may be said that does not come."""
        self._whole.discard(platform)
        self._gaps[platform] += 1

    def is_whole(self, platform: str) -> bool:
        """Whether nothing is missing."""
        return platform in self._whole

    def until(self, platform: str) -> str | None:
        """The position up to which everything came; None where something may be missing, or nothing came."""
        return self._newest.get(platform) if self.is_whole(platform) else None

    def look_begins(self, platform: str) -> None:
        self._looks[platform] = self._gaps[platform]

    def look_ends(self, platform: str) -> None:
        """What the gap hid was found. One that began meanwhile hides something else, and is looked behind by itself."""
        if self._looks[platform] == self._gaps[platform]:
            self._whole.add(platform)
