"""The reaction that marks a waiting message."""

from adapters.slack.errors import RefusedError
from adapters.slack.workspace import Workspace

NAME = "eyes"
FEATURE = "reactions"
# The reaction is as it should be, or the message no longer exists.
_FINE = frozenset({"already_reacted", "no_reaction", "message_not_found"})


async def mark(workspace: Workspace, channel: str, ts: str, *, waits: bool) -> None:
    """Add or remove the reaction. Raises `PlatformError`."""
    if FEATURE in workspace.lacks:
        return
    method = "reactions.add" if waits else "reactions.remove"
    try:
        await workspace.call(method, channel=channel, timestamp=ts, name=NAME)
    except RefusedError as error:
        if error.code not in _FINE:
            workspace.learn(error, FEATURE)
            raise
