"""A native stream: one message of ours that grows by what is appended, as long as Slack lets it."""

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Self

from adapters.slack.errors import RefusedError
from adapters.slack.workspace import Workspace
from bot.adapter import Turn
from bot.segments import Step
from bot.words.harmless import harmless

# Slack ends a stream after five minutes; it is left some room.
LIFE = 240.0

# The message is there and stays, but it takes no more: whatever else is to be said of it goes by chat.update.
_OVER = frozenset({"message_not_in_streaming_state", "stopped_by_user", "streaming_state_conflict", "msg_too_long"})


Steps = Sequence[Step]
_STATUS = {"running": "in_progress", "done": "complete", "failed": "error"}


def is_over(error: RefusedError) -> bool:
    """Whether a stream ended without us."""
    return error.code in _OVER


class Stream:
    """`shown` is all that was appended so far, `steps` what was told of steps. Made by `start`."""

    def __init__(self, workspace: Workspace, channel: str, ts: str, shown: str, steps: Steps) -> None:
        self.ts = ts
        self.shown = shown
        self.steps = steps
        self._workspace = workspace
        self._channel = channel
        self._started_at = time.monotonic()

    @classmethod
    async def start(cls, workspace: Workspace, turn: Turn, text: str, steps: Steps = ()) -> Self:
        """Outside of a DM one person sees it live: who asked."""
        channel = turn.conversation.channel
        recipient = {} if channel.startswith("D") else _recipient(turn)
        answer = await workspace.call(
            "chat.startStream",
            channel=channel,
            thread_ts=turn.conversation.thread,
            chunks=_chunks(text, steps),
            **recipient,
        )
        return cls(workspace, channel, str(answer["ts"]), text, steps)

    @property
    def is_old(self) -> bool:
        return time.monotonic() - self._started_at > LIFE

    async def append(self, text: str, steps: Steps = ()) -> None:
        """Let it grow by words, and by what is new of steps."""
        if chunks := _chunks(text, [step for step in steps if step not in self.steps]):
            await self._workspace.call("chat.appendStream", channel=self._channel, ts=self.ts, chunks=chunks)
        self.shown += text
        self.steps = steps

    async def stop(self, text: str, metadata: dict[str, Any], *, at_work: bool = False) -> None:
        """End it with its last words; `at_work` says that the thread still is."""
        # Slack would show a step that nobody ended as one that goes on.
        running = [] if at_work else [step for step in self.steps if step.state == "running"]
        ended = [replace(step, state="done", text=step.after or step.text) for step in running]
        chunks = _chunks(text, ended)
        more = {"chunks": chunks} if chunks else {}
        await stop(self._workspace, self._channel, self.ts, metadata=metadata, at_work=at_work, **more)
        self.shown += text


async def stop(workspace: Workspace, channel: str, ts: str, *, at_work: bool = False, **more: Any) -> None:
    """End the stream that a message is."""
    status = "processing" if at_work else "active"
    await workspace.call("chat.stopStream", channel=channel, ts=ts, session_status=status, **more)


def _recipient(turn: Turn) -> dict[str, str]:
    return {"recipient_user_id": turn.author, "recipient_team_id": turn.conversation.workspace}


def _chunks(text: str, steps: Steps = ()) -> list[dict[str, str]]:
    tasks = [
        {"type": "task_update", "id": step.key, "title": harmless(step.text), "status": _STATUS[step.state]}
        for step in steps
    ]
    return [*([{"type": "markdown_text", "text": text}] if text else []), *tasks]
