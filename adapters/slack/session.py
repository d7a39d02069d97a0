"""The agent session of a thread: Slack's own sign that we are at work, with its Stop button. Best effort."""

import asyncio

import structlog

from adapters.slack.errors import RefusedError
from adapters.slack.workspace import Workspace
from bot.adapter import PlatformError, Turn

FEATURE = "sessions"

log = structlog.get_logger()


class Session:
    """What people see of one turn's work beside its words."""

    def __init__(self, workspace: Workspace, turn: Turn) -> None:
        self._workspace = workspace
        self._turn = turn
        # What an earlier process showed must be taken back as well.
        self._at_work = turn.suspect
        self._telling: asyncio.Task[None] | None = None

    async def is_shown(self) -> bool:
        """Whether people see that we work; known once Slack was told for the first time."""
        if self._telling is not None:
            await asyncio.wait([self._telling])
        return FEATURE not in self._workspace.lacks

    def begin(self) -> None:
        """Show that we are at work; nobody waits for that."""
        if self._telling is None:
            self._at_work = True
            self._telling = asyncio.create_task(self._tell("processing"), name="session-begins")

    def ended(self) -> None:
        """Slack knows already that the work is over: a stream that was stopped says so."""
        self._at_work = False

    async def end(self) -> None:
        """Show that the work is over, whatever became of it."""
        if self._telling is not None:
            await asyncio.wait([self._telling])
        if self._at_work:
            self._at_work = False
            await self._tell("active")

    async def _tell(self, status: str) -> None:
        conversation = self._turn.conversation
        if FEATURE in self._workspace.lacks:
            return
        try:
            await self._workspace.call(
                "agents.sessions.setStatus",
                channel_id=conversation.channel,
                thread_ts=conversation.thread,
                status=status,
            )
        except PlatformError as error:
            if isinstance(error, RefusedError) and self._workspace.learn(error, FEATURE):
                log.warning(
                    "Slack does not show that we work: docs/slack-manifest.yaml has what it takes", error=str(error)
                )
            else:
                log.info("session status not set", status=status, error=str(error))
