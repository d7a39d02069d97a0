"""What is said of a message before it is taken: an edit or a deletion counts once it is, and an edit may call us.

Platforms promise no order, and a message that could not be made durable is taken later than what was said of it.
"""

from collections import OrderedDict
from dataclasses import replace

from bot.incoming import Incoming, Revision

# So long after a message an edit of it may still call us, who forgot to; seconds.
AFTERTHOUGHT = 600.0
TOO_LATE = "it called us only by an edit, more than ten minutes after it was written"
# Most of them are of messages that nobody will ever bring: the oldest are let go.
MOST = 1_000


class Revisions:
    """The newest revisions of messages we do not know, and how new the newest is of those that we do."""

    def __init__(self) -> None:
        self._revisions: OrderedDict[str, Revision] = OrderedDict()
        self._newest: OrderedDict[str, str] = OrderedDict()

    def note(self, revision: Revision) -> None:
        """Remember it, unless a newer one came before it. A deleted message stays deleted."""
        if not self.is_newest(revision):
            return
        earlier = self._revisions.pop(revision.event, revision)
        self._revisions[revision.event] = earlier if earlier.text is None else revision
        self._newest[revision.event] = max(revision.at, self._newest.get(revision.event, ""))
        self._newest.move_to_end(revision.event)
        for remembered in (self._revisions, self._newest):
            if len(remembered) > MOST:
                remembered.popitem(last=False)

    def is_newest(self, revision: Revision) -> bool:
        """Return whether no newer revision of the message is known. A deletion is always the newest."""
        return revision.text is None or revision.at >= self._newest.get(revision.event, "")

    def drop(self, revision: Revision) -> None:
        """It is remembered elsewhere by now, or no more of use."""
        if self._revisions.get(revision.event) == revision:
            del self._revisions[revision.event]

    def of(self, event: str) -> Revision | None:
        return self._revisions.get(event)

    def revised(self, incoming: Incoming) -> Incoming | None:
        """A message as it is by now; None where it was taken back."""
        revision = self.of(incoming.event)
        if revision is None:
            return incoming
        if revision.text is None:
            return None
        return replace(incoming, text=revision.text, files=incoming.files if revision.files is None else revision.files)
