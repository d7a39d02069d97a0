"""Follow-ups that came before the message which called us to their place: they are ours once that one is taken.

Platforms promise no order, and a call that could not be made durable is taken later than what was said after it.
"""

from collections import OrderedDict, defaultdict

from bot.incoming import Incoming

# Most of them are nobody's follow-up: the oldest are let go.
MOST = 1_000


class FollowUps:
    """The newest messages in places where nobody has called us yet."""

    def __init__(self) -> None:
        self._places: OrderedDict[str, str] = OrderedDict()
        self._said: defaultdict[str, dict[str, Incoming]] = defaultdict(dict)

    def note(self, incoming: Incoming) -> None:
        """Remember what may be a follow-up; what begins a place of its own is none."""
        if incoming.event == incoming.place.key:
            return
        self._places[incoming.event] = incoming.place.key
        self._said[incoming.place.key][incoming.event] = incoming
        if len(self._places) > MOST:
            self._drop(next(iter(self._places)))

    def drop(self, incoming: Incoming) -> None:
        """It is taken, or nobody's."""
        if incoming.event in self._places:
            self._drop(incoming.event)

    def after(self, call: Incoming) -> list[Incoming]:
        """What was said in the place of a call, and after it, in order; it is forgotten here."""
        said = self._said.get(call.place.key, {}).values()
        found = sorted((one for one in said if one.position > call.position), key=lambda one: one.position)
        for one in found:
            self._drop(one.event)
        return found

    def _drop(self, event: str) -> None:
        place = self._places.pop(event)
        del self._said[place][event]
        if not self._said[place]:
            del self._said[place]
