"""The messages of one reply: finds, posts, edits, deletes and records them, each exactly once."""

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

from adapters.slack import stream
from adapters.slack.errors import RefusedError
from adapters.slack.incoming import ref, ts_of
from adapters.slack.workspace import Workspace
from bot import settling
from bot.adapter import PartState, Turn

EVENT_TYPE = "threadline_turn"
FIRST = 1
# Allowed difference between our clock and Slack's, where no message says when the question came.
SKEW = 60.0


class Posted:
    """The messages that show the parts of a turn's reply.

    `is_uncertain` is true while a new message is being sent, and after a request without a response: the message may
    exist all the same.
    """

    def __init__(self, workspace: Workspace, turn: Turn) -> None:
        self._workspace = workspace
        self._turn = turn
        self._channel = turn.conversation.channel
        self._ts = {part.number: ts_of(part.ref) for part in turn.parts}
        self._kept = {part.number: (ts_of(part.ref), part.state) for part in turn.parts}
        # Streams that may still be open; Slack refuses to edit those.
        self._open = {ts_of(part.ref) for part in turn.parts if part.state == "streaming"}
        self.is_uncertain = False
        self._lost_at = 0.0

    @property
    def any(self) -> bool:
        return bool(self._ts) or self.is_uncertain

    @property
    def first(self) -> str:
        """The `ts` of the reply's first message; empty where it has none."""
        return min(self._ts.values(), default="")

    @contextmanager
    def on_its_way(self) -> Iterator[None]:
        """Send a new message in this block: until Slack responds, it may exist without us knowing its `ts`."""
        self.is_uncertain = True
        try:
            yield
        except RefusedError:
            self.is_uncertain = False
            raise
        except BaseException:
            self._lost_at = time.monotonic()
            raise
        self.is_uncertain = False

    def metadata(self, number: int) -> dict[str, Any]:
        """The metadata that identifies a message of this reply later."""
        return {"event_type": EVENT_TYPE, "event_payload": {"turn": self._turn.tag, "part": number}}

    async def put(self, number: int, text: str, state: PartState) -> None:
        """Show the text of a part in its message, or in a new one."""
        if self.is_uncertain and number not in self._ts:
            await self.look()
        if number not in self._ts or not await self._update(number, text):
            self._ts[number] = await self._post(number, text)
        await self.keep(number, self._ts[number], state)

    async def keep(self, number: int, ts: str, state: PartState) -> None:
        """Record a part, once per message and state."""
        self._ts[number] = ts
        if state == "streaming":
            self._open.add(ts)
        else:
            self._open.discard(ts)
        if self._kept.get(number) != (ts, state):
            await self._turn.keep_part(number, ref(self._workspace.team, self._channel, ts), state)
            self._kept[number] = (ts, state)

    async def end_streams(self, words: str) -> None:
        """End every stream that may still be open, with these words below its text."""
        for number, ts in self._ts.items():
            await self._close(number, ts, chunks=stream.chunks(f"\n\n{words}"))

    async def remove_after(self, last: int) -> None:
        """Delete the messages of parts that the finished reply no longer has."""
        for number in sorted(number for number in self._ts if number > last):
            ts = self._ts.pop(number)
            await self._close(number, ts)
            try:
                await self._workspace.call("chat.delete", channel=self._channel, ts=ts)
            except RefusedError as error:
                if error.code != "message_not_found":
                    raise

    async def look(self) -> None:
        """Find the messages of this reply after its question, recorded or not."""
        if self.is_uncertain:
            await settling.settled(self._lost_at)
        # Messages that share files do not say to which reply they belong.
        ours = [message async for message in self.said() if not message.get("files")]
        self._take_in([str(message["ts"]) for message in ours if not self._take_up(message)])
        self.is_uncertain = False

    async def said(self) -> AsyncIterator[dict[str, Any]]:
        """The bot's messages after the question. Raises `PlatformError`."""
        oldest = await self._begins_after()
        pages = self._workspace.pages(
            "conversations.replies",
            channel=self._channel,
            ts=self._turn.conversation.thread,
            oldest=oldest,
            include_all_metadata=True,
            limit=200,
        )
        async for message in pages:
            # Any app may write metadata, so the author is checked too. Slack always lists the root of a thread.
            if message.get("bot_id") == self._workspace.bot_id and message["ts"] > oldest:
                yield message

    async def _post(self, number: int, text: str) -> str:
        with self.on_its_way():
            answer = await self._workspace.call(
                "chat.postMessage",
                channel=self._channel,
                thread_ts=self._turn.conversation.thread,
                metadata=self.metadata(number),
                unfurl_links=False,
                unfurl_media=False,
                **_words(text),
            )
        return str(answer["ts"])

    async def _update(self, number: int, text: str) -> bool:
        """Edit the message; return False if somebody deleted it."""
        ts = self._ts[number]
        await self._close(number, ts)
        arguments = {"channel": self._channel, "ts": ts, "metadata": self.metadata(number), **_words(text)}
        try:
            await self._workspace.call("chat.update", **arguments)
        except RefusedError as error:
            if error.code != "message_not_found":
                raise
            return False
        return True

    async def _close(self, number: int, ts: str, **more: Any) -> None:
        """End the stream of a message that may still be open."""
        if ts not in self._open:
            return
        try:
            await stream.stop(self._workspace, self._channel, ts, metadata=self.metadata(number), **more)
        except RefusedError as error:
            if not stream.is_over(error) and error.code != "message_not_found":
                raise
        self._open.discard(ts)

    async def _begins_after(self) -> str:
        """A `ts` before every message of this reply."""
        before = [ts_of(part.ref) for part in await self._turn.earlier()]
        if self._turn.incoming:
            before.append(min(message.position for message in self._turn.incoming))
        # Our own clock is used only if Slack's order says nothing.
        return max(before, default=f"{self._turn.opened_at - SKEW:.6f}")

    def _take_up(self, message: dict[str, Any]) -> bool:
        """Adopt a message whose metadata names this turn; return whether its metadata names any turn."""
        metadata = message.get("metadata") or {}
        if metadata.get("event_type") != EVENT_TYPE:
            return False
        payload = metadata["event_payload"]
        if payload.get("turn") == self._turn.tag:
            self._ts.setdefault(int(payload["part"]), str(message["ts"]))
        return True

    def _take_in(self, nameless: list[str]) -> None:
        """Adopt messages without metadata: a stream gets its metadata only when it ends."""
        known = set(self._ts.values())
        for ts in sorted(nameless):
            self._open.add(ts)
            if ts not in known:
                self._ts[max(self._ts, default=0) + 1] = ts


def _words(text: str) -> dict[str, str]:
    """Markdown that Slack renders itself. Slack also uses it for the notification and refuses a `text` next to it."""
    return {"markdown_text": text}
