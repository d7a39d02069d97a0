"""The agent session of a thread: Slack's own sign that the bot is working, with its Stop button. Best effort.

The sign waits a moment, so that many questions at once are first passed on and only then shown as being worked on. A
text that appears sooner needs no request: Slack sets the status itself when a stream starts.
"""

import asyncio
from contextlib import suppress

import structlog

from adapters.slack.errors import RefusedError
from adapters.slack.workspace import Workspace
from bot.adapter import PlatformError, Turn

FEATURE = "sessions"
# How long in seconds a turn works before the status is set.
PATIENCE = 0.5

log = structlog.get_logger()


class Session:
    """The session status of one turn."""

    def __init__(self, workspace: Workspace, turn: Turn) -> None:
        self._workspace = workspace
        self._turn = turn
        # A status that an earlier process set must be reset as well.
        self._at_work = turn.suspect
        self._telling: asyncio.Task[None] | None = None
        self._over = asyncio.Event()

    async def is_shown(self) -> bool:
        """Return whether people see the status; the first request in a workspace tells."""
        if self._telling is not None and FEATURE not in self._workspace.has:
            await asyncio.wait([self._telling])
        return FEATURE not in self._workspace.lacks

    def begin(self) -> None:
        """Show that the bot is working, in the background."""
        if self._telling is None:
            self._telling = asyncio.create_task(self._begin(), name="session-begins")

    def begun(self) -> None:
        """Note that Slack has set the status itself, as it does when a stream starts."""
        self._over.set()
        self._at_work = True

    def ending(self) -> None:
        """Set no status from now on, because the answer is about to be complete."""
        self._over.set()

    def ended(self) -> None:
        """Note that Slack has reset the status itself, as it does when a stream ends."""
        # A request still in progress may set it once more.
        self._at_work = self._telling is not None and not self._telling.done()

    async def end(self) -> None:
        """Reset the status."""
        self._over.set()
        if self._telling is not None:
            await asyncio.wait([self._telling])
        if self._at_work:
            self._at_work = False
            await self._tell("active")

    async def _begin(self) -> None:
        if FEATURE in self._workspace.has:
            with suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE):
                    await self._over.wait()
        if not self._over.is_set():
            self._at_work = True
            await self._tell("processing")

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
            self._workspace.has.add(FEATURE)
        except PlatformError as error:
            if isinstance(error, RefusedError) and self._workspace.learn(error, FEATURE):
                log.warning(
                    "Slack cannot show that the bot is working: compare the app with docs/slack-manifest.yaml",
                    error=str(error),
                )
            else:
                log.info("session status not set", status=status, error=str(error))
