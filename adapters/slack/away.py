"""What was said while we were not there: looked up in the conversations we know, and taken like anything else.

Slack sends again for some minutes what nobody took; a longer absence loses it. What was seen already is looked at once
more for some minutes' worth: claiming it again does nothing.
"""

import time
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from typing import Any

import structlog

from adapters.slack.incoming import PLATFORM, from_event, people_in, ref
from adapters.slack.workspace import Workspace
from bot.adapter import Bot, PlatformError
from bot.incoming import Known

OVERLAP = 600.0
# Who has waited longer for an answer has found another.
LONGEST = 3 * 86_400.0
TOO_LATE = "said more than three days before we looked"
PAGE = 999
# Of a channel at most so many pages are read: its newest messages.
PAGES = 20

log = structlog.get_logger()


async def catch_up(workspace: Workspace, bot: Bot) -> None:
    """Bring what we missed before the bot, oldest first in each place. One that cannot be read is skipped."""
    channels: dict[str, list[Known]] = defaultdict(list)
    for known in await bot.known(PLATFORM):
        if known.place.workspace == workspace.team:
            channels[known.place.channel].append(known)
    missed = 0
    for channel, conversations in channels.items():
        try:
            missed += await _channel(workspace, bot, channel, conversations)
        except PlatformError as error:
            log.warning("cannot look for what was missed", channel=channel, error=str(error))
    if missed:
        log.info("found what was said while we were away", messages=missed)


async def _channel(workspace: Workspace, bot: Bot, channel: str, conversations: Sequence[Known]) -> int:
    roots = {known.place.thread or "": known.seen_until for known in conversations}
    # From the oldest thread on, for only its root tells whether something new stands in a thread.
    said = workspace.pages(
        "conversations.history", channel=channel, oldest=min(roots), inclusive=True, limit=PAGE, most=PAGES
    )
    found = {message["ts"]: message async for message in said}
    fresh = _before(max(roots.values()))
    count = 0
    for ts in sorted(found):
        if ts > fresh:
            count += await _bring(workspace, bot, channel, found[ts])
    for root, seen in roots.items():
        if found.get(root, {}).get("latest_reply", "") > seen:
            async for message in _thread(workspace, channel, root, seen):
                count += await _bring(workspace, bot, channel, message)
    return count


async def _thread(workspace: Workspace, channel: str, root: str, seen: str) -> AsyncIterator[dict[str, Any]]:
    since = max(_before(seen), root)
    said = workspace.pages("conversations.replies", channel=channel, ts=root, oldest=since, limit=PAGE, most=PAGES)
    async for message in said:
        if message["ts"] > since:
            yield message


async def _bring(workspace: Workspace, bot: Bot, channel: str, message: dict[str, Any]) -> bool:
    """Whether it was new and is ours to answer."""
    names = await workspace.names(people_in(message))
    body = {"team_id": workspace.team, "event": {**message, "type": "message", "channel": channel}}
    incoming = from_event(body, bot_user=workspace.bot_user, bot_id=workspace.bot_id, names=names)
    if incoming is None:
        return False
    if float(message["ts"]) < time.time() - LONGEST:
        bot.unanswered(ref(workspace.team, channel, message["ts"]), TOO_LATE)
        return False
    return (await bot.receive(incoming)).outcome == "accepted"


def _before(ts: str) -> str:
    return f"{float(ts) - OVERLAP:.6f}"
