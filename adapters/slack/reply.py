"""Shows one turn in a Slack thread: a placeholder at once, paced growth, the whole answer, nothing twice."""

from collections.abc import Sequence
from typing import Any

import structlog

from adapters.slack import render
from adapters.slack.errors import UncertainError, as_platform_errors
from adapters.slack.incoming import ref, ts_of
from adapters.slack.workspace import Workspace
from bot.adapter import PartState, PlatformError, Turn
from bot.pacing import Pacing
from bot.segments import Segment, Snapshot

EVENT_TYPE = "threadline_turn"
FIRST = 1

log = structlog.get_logger()


class SlackReply:
    """`Reply` in a thread. `pace` is the shortest time in seconds between two updates while it grows."""

    def __init__(self, workspace: Workspace, turn: Turn, *, pace: float) -> None:
        self._workspace = workspace
        self._turn = turn
        self._pacing = Pacing(self._grow, pace=pace, crowd=workspace.crowd)
        self._posted = {part.number: ts_of(part.ref) for part in turn.parts}
        self._kept = {part.number: (ts_of(part.ref), part.state) for part in turn.parts}
        # After a call without an answer the message may be there all the same.
        self._uncertain = False
        self._shown = ""

    async def find(self) -> None:
        try:
            await self._look()
        except PlatformError as error:
            if error.retryable:
                raise
            # An app without the history scopes cannot look: one answer too many is better than none.
            log.warning("cannot look for an earlier reply", error=str(error))

    async def show(self, snapshot: Snapshot) -> None:
        self._pacing.show(snapshot)

    async def finish(self, segments: Sequence[Segment]) -> None:
        # What is on its way must land first, or it would land upon the final text.
        await self._pacing.end()
        for number, text in enumerate(render.parts(segments), FIRST):
            await self._put(number, text, "final")

    async def aclose(self) -> None:
        await self._pacing.aclose()

    async def _grow(self, snapshot: Snapshot) -> None:
        text = render.growing(snapshot)
        if text != self._shown:
            await self._put(FIRST, text, "growing")
            self._shown = text

    async def _put(self, number: int, text: str, state: PartState) -> None:
        """Bring a part's text before people: into its message, or into a new one where there is none."""
        if self._uncertain and number not in self._posted:
            await self._look()
        if number not in self._posted or not await self._update(number, text):
            self._posted[number] = await self._post(number, text)
        await self._keep(number, state)

    async def _keep(self, number: int, state: PartState) -> None:
        """Record a part, once for each message and state."""
        kept = (self._posted[number], state)
        if self._kept.get(number) != kept:
            reference = ref(self._workspace.team, self._turn.conversation.channel, self._posted[number])
            await self._turn.keep_part(number, reference, state)
            self._kept[number] = kept

    async def _post(self, number: int, text: str) -> str:
        metadata = {"event_type": EVENT_TYPE, "event_payload": {"turn": self._turn.tag, "part": number}}
        try:
            with as_platform_errors("chat.postMessage"):
                answer = await self._workspace.call(
                    "chat.postMessage",
                    channel=self._turn.conversation.channel,
                    thread_ts=self._turn.conversation.thread,
                    metadata=metadata,
                    unfurl_links=False,
                    unfurl_media=False,
                    **_words(text),
                )
        except UncertainError:
            self._uncertain = True
            raise
        return str(answer["ts"])

    async def _update(self, number: int, text: str) -> bool:
        """False when the message is no longer there: somebody deleted it."""
        try:
            with as_platform_errors("chat.update"):
                await self._workspace.call(
                    "chat.update",
                    channel=self._turn.conversation.channel,
                    ts=self._posted[number],
                    **_words(text),
                )
        except PlatformError as error:
            if "message_not_found" not in str(error):
                raise
            return False
        return True

    async def _look(self) -> None:
        """Find our messages for this turn after its question, recorded or not: their metadata names it."""
        cursor = ""
        while True:
            with as_platform_errors("conversations.replies"):
                page = await self._workspace.read("conversations.replies", **self._question(), cursor=cursor)
            for message in page["messages"]:
                self._take_up(message)
            cursor = page.get("response_metadata", {}).get("next_cursor", "")
            if not cursor:
                self._uncertain = False
                return

    def _question(self) -> dict[str, Any]:
        conversation = self._turn.conversation
        asked = [message.position for message in self._turn.incoming]
        return {
            "channel": conversation.channel,
            "ts": conversation.thread,
            "oldest": min(asked, default=conversation.thread),
            "include_all_metadata": True,
            "limit": 200,
        }

    def _take_up(self, message: dict[str, Any]) -> None:
        # Any app may write metadata, so the author counts too.
        metadata = message.get("metadata", {})
        if message.get("bot_id") != self._workspace.bot_id or metadata.get("event_type") != EVENT_TYPE:
            return
        payload = metadata["event_payload"]
        if payload.get("turn") == self._turn.tag:
            self._posted.setdefault(int(payload["part"]), message["ts"])


def _words(text: str) -> dict[str, str]:
    """Markdown that Slack renders itself. It serves as the notification too: a `text` beside it is refused."""
    return {"markdown_text": text}
