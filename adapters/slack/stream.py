"""A native stream: one message that grows by appending."""

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Self

from adapters.slack.errors import RefusedError
from adapters.slack.workspace import Workspace
from bot.adapter import Turn
from bot.segments import Step
from bot.words.harmless import harmless

# Slack ends a stream after five minutes; ours ends earlier.
LIFE_SECONDS = 240.0

# The message remains but accepts no more appends; further changes need chat.update.
_OVER = frozenset({"message_not_in_streaming_state", "stopped_by_user", "streaming_state_conflict", "msg_too_long"})


Steps = Sequence[Step]
_STATUS = {"running": "in_progress", "done": "complete", "failed": "error"}


def is_over(error: RefusedError) -> bool:
    """Return whether the error means that the stream has ended by itself."""
    return error.code in _OVER


class Stream:
    """An open stream, made by `start`. `shown` is all text appended so far, `steps` the steps last shown."""

    def __init__(self, workspace: Workspace, channel: str, ts: str, shown: str, steps: Steps) -> None:
        self.ts = ts
        self.shown = shown
        self.steps = steps
        self._workspace = workspace
        self._channel = channel
        self._started_at = time.monotonic()

    @classmethod
    async def start(cls, workspace: Workspace, turn: Turn, text: str, steps: Steps = ()) -> Self:
        """Start a stream. Outside a DM, only the person who asked sees it live."""
        channel = turn.conversation.channel
        recipient = {} if channel.startswith("D") else _recipient(turn)
        answer = await workspace.call(
            "chat.startStream",
            channel=channel,
            thread_ts=turn.conversation.thread,
            chunks=chunks(text, steps),
            **recipient,
        )
        return cls(workspace, channel, str(answer["ts"]), text, steps)

    @property
    def is_old(self) -> bool:
        return time.monotonic() - self._started_at > LIFE_SECONDS

    async def append(self, text: str, steps: Steps = ()) -> None:
        """Append text and new or changed steps."""
        if new := chunks(text, [step for step in steps if step not in self.steps]):
            await self._workspace.call("chat.appendStream", channel=self._channel, ts=self.ts, chunks=new)
        self.shown += text
        self.steps = steps

    async def stop(self, text: str, metadata: dict[str, Any], *, at_work: bool = False) -> None:
        """Append the last text and end the stream; `at_work` keeps the session status."""
        # Slack would show an unfinished step as still running.
        running = [] if at_work else [step for step in self.steps if step.state == "running"]
        ended = [replace(step, state="done", text=step.after or step.text) for step in running]
        last = chunks(text, ended)
        more = {"chunks": last} if last else {}
        await stop(self._workspace, self._channel, self.ts, metadata=metadata, at_work=at_work, **more)
        self.shown += text


async def stop(workspace: Workspace, channel: str, ts: str, *, at_work: bool = False, **more: Any) -> None:
    """End the stream of a message."""
    status = "processing" if at_work else "active"
    await workspace.call("chat.stopStream", channel=channel, ts=ts, session_status=status, **more)


def _recipient(turn: Turn) -> dict[str, str]:
    return {"recipient_user_id": turn.author, "recipient_team_id": turn.conversation.workspace}


def chunks(text: str, steps: Steps = ()) -> list[dict[str, str]]:
    """Text and steps as a stream takes them."""
    tasks = [
        {"type": "task_update", "id": step.key, "title": harmless(step.text), "status": _STATUS[step.state]}
        for step in steps
    ]
    return [*([{"type": "markdown_text", "text": text}] if text else []), *tasks]
