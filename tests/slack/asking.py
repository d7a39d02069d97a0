"""A question in a channel of the simulated workspace, and the replies to it as the core would make them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from adapters.slack import SlackAdapter
from adapters.slack.render import CONTINUED
from adapters.slack.reply import SlackReply
from bot.adapter import PartState, Turn
from storage.records import Conversation, IncomingRow, Part
from tests.simulators.slack.client import SlackPeople
from tests.simulators.slack.records import Call, Message, State


@dataclass
class Asked:
    """A question in a channel, and the turn that answers it."""

    adapter: SlackAdapter
    slack: SlackPeople
    channel: str
    ts: str
    id: int
    author: str = "U1"
    kept: list[tuple[int, str, PartState]] = field(default_factory=list)
    earlier: Sequence[Part] = ()

    def turn(self, *, suspect: bool = False, parts: Sequence[Part] = ()) -> Turn:
        async def keep(number: int, ref: str, state: PartState) -> None:
            self.kept.append((number, ref, state))

        async def earlier() -> Sequence[Part]:
            return self.earlier

        key = f"slack:T0THREAD:{self.channel}:{self.ts}"
        conversation = Conversation(1, key, "slack", "T0THREAD", self.channel, self.ts, None, None, 1, None, 0, 0)
        question = IncomingRow(1, key, 1, self.ts, "U1", None, "hello", None, self.id, 0)
        return Turn(
            id=self.id,
            tag=f"tag-{self.id}",
            conversation=conversation,
            incoming=[question],
            author=self.author,
            opened_at=0.0,
            assistant="Tour",
            suspect=suspect,
            parts=parts,
            keep_part=keep,
            earlier=earlier,
        )

    def reply(self, *, suspect: bool = False, parts: Sequence[Part] = ()) -> SlackReply:
        reply = self.adapter.reply(self.turn(suspect=suspect, parts=parts))
        assert isinstance(reply, SlackReply)
        return reply

    async def replies(self) -> list[Message]:
        return await self.slack.replies(self.channel, self.ts)

    async def texts(self) -> list[str]:
        return [message.text.removeprefix(CONTINUED) for message in await self.replies()]

    async def called(self, method: str) -> None:
        """Wait for a request here."""
        await self.slack.until(lambda now: bool(self._of(now, method)))

    async def calls(self, method: str) -> list[Call]:
        return self._of(await self.slack.state(), method)

    def _of(self, now: State, method: str) -> list[Call]:
        places = ("channel", "channel_id")
        return [c for c in now.calls if c.method == method and self.channel in map(c.arguments.get, places)]


_turns = iter(range(1, 100_000))


async def asking(adapter: SlackAdapter, slack: SlackPeople, *, streams: bool) -> Asked:
    """Ada mentions the bot in a channel of its own."""
    adapter.streams = streams
    number = next(_turns)
    ada, channel = await slack.user("ada"), await slack.channel(f"replies-{number}")
    return Asked(adapter, slack, channel, await slack.say(ada, channel, "@threadline hello"), number, ada)
