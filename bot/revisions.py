"""Edits and deletions that arrive before their message: they are kept until the message is stored.

Platforms guarantee no order, and a message that could not be stored is redelivered after its edits.
"""

from collections import OrderedDict
from dataclasses import replace

from bot.incoming import Incoming, Revision

# Most of them belong to messages that never arrive, so the oldest are dropped.
MOST_REVISIONS = 1_000


class Revisions:
    """The newest revisions of messages that have not arrived, and how new the newest is of those that have."""

    def __init__(self) -> None:
        self._revisions: OrderedDict[str, Revision] = OrderedDict()
        self._newest: OrderedDict[str, str] = OrderedDict()

    def note(self, revision: Revision) -> None:
        """Remember a revision, unless a newer one is known. A deleted message stays deleted."""
        if not self.is_newest(revision):
            return
        earlier = self._revisions.pop(revision.event, revision)
        self._revisions[revision.event] = earlier if earlier.text is None else revision
        self._newest[revision.event] = max(revision.at, self._newest.get(revision.event, ""))
        self._newest.move_to_end(revision.event)
        for remembered in (self._revisions, self._newest):
            if len(remembered) > MOST_REVISIONS:
                remembered.popitem(last=False)

    def is_newest(self, revision: Revision) -> bool:
        """Return whether no newer revision of the message is known. A deletion is always the newest."""
        return revision.text is None or revision.at >= self._newest.get(revision.event, "")

    def drop(self, revision: Revision) -> None:
        """Forget a revision."""
        if self._revisions.get(revision.event) == revision:
            del self._revisions[revision.event]

    def of(self, event: str) -> Revision | None:
        return self._revisions.get(event)

    def revised(self, incoming: Incoming) -> Incoming | None:
        """The message with its revision applied; None if it was deleted."""
        revision = self.of(incoming.event)
        if revision is None:
            return incoming
        if revision.text is None:
            return None
        return replace(incoming, text=revision.text, files=incoming.files if revision.files is None else revision.files)
