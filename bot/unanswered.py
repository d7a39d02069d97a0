"""What was not answered, and why: remembered without anybody waiting for it."""

from storage.database import Database


class Unanswered:
    """The last things that were not answered."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def note(self, event: str, reason: str) -> None:
        """Remember it; returns at once."""

    async def run(self) -> None:
        """Write down what is noted, until cancelled."""
