"""The agent session of a thread: Slack's own sign that the bot is working, with its Stop button. Best effort."""

import asyncio

import structlog

from adapters.slack.errors import RefusedError
from adapters.slack.workspace import Workspace
from bot.adapter import PlatformError, Turn

FEATURE = "sessions"

log = structlog.get_logger()


class Session:
    """The session status of one turn."""

    def __init__(self, workspace: Workspace, turn: Turn) -> None:
        self._workspace = workspace
        self._turn = turn
        # A status that an earlier process set must be reset as well.
        self._at_work = turn.suspect
        self._telling: asyncio.Task[None] | None = None

    async def is_shown(self) -> bool:
        """Return whether people see the status; known after the first request."""
        if self._telling is not None:
            await asyncio.wait([self._telling])
        return FEATURE not in self._workspace.lacks

    def begin(self) -> None:
        """Show that the bot is working, in the background."""
        if self._telling is None:
            self._at_work = True
            self._telling = asyncio.create_task(self._tell("processing"), name="session-begins")

    def ended(self) -> None:
        """Note that Slack has reset the status itself, as it does when a stream ends."""
        self._at_work = False

    async def end(self) -> None:
        """Reset the status."""
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
                    "Slack cannot show that the bot is working: compare the app with docs/slack-manifest.yaml",
                    error=str(error),
                )
            else:
                log.info("session status not set", status=status, error=str(error))
