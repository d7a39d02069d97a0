"""Edits and deletions that arrive before their message: they are kept until the message is stored.

Platforms guarantee no order, and a message that could not be stored is redelivered after its edits.
"""

from collections import OrderedDict
from dataclasses import replace

from bot.incoming import Incoming, Revision

# Most of them belong to messages that never arrive, so the oldest are dropped.
MOST_REVISIONS = 1_000


class Revisions:
    """The newest revisions of messages that have not arrived."""

    def __init__(self) -> None:
        self._revisions: OrderedDict[str, Revision] = OrderedDict()

    def note(self, revision: Revision) -> None:
        """Remember a revision. A deleted message stays deleted."""
        earlier = self._revisions.pop(revision.event, revision)
        self._revisions[revision.event] = earlier if earlier.text is None else revision
        if len(self._revisions) > MOST_REVISIONS:
            self._revisions.popitem(last=False)

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
