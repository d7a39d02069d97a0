"""Follow-ups that arrive before the mention that starts their conversation: they are answered after it.

Platforms guarantee no order, and a mention that could not be stored is redelivered after the messages that follow it.
"""

from collections import OrderedDict, defaultdict

from bot.incoming import Incoming

# Most of them turn out not to be follow-ups, so the oldest are dropped.
MOST_MESSAGES = 1_000


class FollowUps:
    """The newest messages in places where the bot has not been mentioned yet."""

    def __init__(self) -> None:
        self._places: OrderedDict[str, str] = OrderedDict()
        self._said: defaultdict[str, dict[str, Incoming]] = defaultdict(dict)

    def note(self, incoming: Incoming) -> None:
        """Remember a message that may be a follow-up. One that starts a thread of its own is not."""
        if incoming.event == incoming.place.key:
            return
        self._places[incoming.event] = incoming.place.key
        self._said[incoming.place.key][incoming.event] = incoming
        if len(self._places) > MOST_MESSAGES:
            self._drop(next(iter(self._places)))

    def drop(self, incoming: Incoming) -> None:
        """Forget a message."""
        if incoming.event in self._places:
            self._drop(incoming.event)

    def after(self, mention: Incoming) -> list[Incoming]:
        """Remove and return the messages posted after a mention in its place, in order."""
        said = self._said.get(mention.place.key, {}).values()
        found = sorted((one for one in said if one.position > mention.position), key=lambda one: one.position)
        for one in found:
            self._drop(one.event)
        return found

    def _drop(self, event: str) -> None:
        place = self._places.pop(event)
        del self._said[place][event]
        if not self._said[place]:
            del self._said[place]
