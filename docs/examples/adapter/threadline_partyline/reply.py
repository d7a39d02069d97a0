"""Shows one turn on the line, which cannot take back what was said: that somebody types, then the whole answer."""

from collections.abc import Sequence

from threadline import Dialect, Letter, Paper, Segment, Snapshot, Style, Turn
from threadline_partyline.line import Line

LIMIT = 400
NOTHING = "(no words)"
# Four hundred characters a message, Markdown as it is, small print like any other, as many messages as it takes.
LINE = Style(Paper(LIMIT, Dialect().write), small=str, most=1_000)


class LineReply:
    """`Reply` in a room."""

    def __init__(self, line: Line, turn: Turn) -> None:
        self._line = line
        self._turn = turn
        self._types = False

    async def find(self) -> None:
        """Nothing to look for: the line says a nonce once, and answers the second time as it did the first."""

    async def show(self, snapshot: Snapshot) -> None:  # noqa: ARG002 - a half answer could not be taken back
        if not self._types:
            self._types = True
            self._line.types(self._turn.conversation.channel)

    async def finish(self, segments: Sequence[Segment]) -> None:
        for number, text in enumerate(parts(segments), 1):
            nonce = f"{self._turn.tag}.{number}"
            said = await self._line.say(self._turn.conversation.channel, text, nonce=nonce)
            await self._turn.keep_part(number, said, "final")

    async def leave(self, words: str) -> None:
        """Nothing to say: on a line where nothing can be taken back, only answers are worth a message."""

    async def aclose(self) -> None:
        """Nothing is under way: `finish` waits for what it says."""


def parts(segments: Sequence[Segment]) -> list[str]:
    """A whole reply as what is said, one after the other."""
    return Letter(LINE).whole(segments).texts or [NOTHING]
