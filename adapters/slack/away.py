"""What was said while we were not there: looked up in the conversations we know, and taken like anything else.

Slack sends again for some minutes what nobody took; a longer absence loses it. What was heard already is looked at once
more for some minutes' worth: claiming it again does nothing.
"""

import time
from collections import defaultdict
from collections.abc import AsyncIterator, Collection
from typing import Any

import structlog

from adapters.slack.errors import RefusedError
from adapters.slack.incoming import PLATFORM, from_event, people_in
from adapters.slack.workspace import Workspace
from bot.adapter import Bot, PlatformError
from bot.incoming import Revision

OVERLAP = 600.0
# Who has waited longer for an answer has found another.
LONGEST = 3 * 86_400.0
PAGE = 999
# Of a channel at most so many pages are read: its newest messages.
PAGES = 20
THREAD_GONE = "thread_not_found"

log = structlog.get_logger()


async def catch_up(workspace: Workspace, bot: Bot) -> tuple[int, bool]:
    """Bring what we missed before the bot, oldest first in each place.

    How many messages that was, and whether every place could be looked at.

    Raises `NotClaimedError`.
    """
    since = _since(await bot.heard_until(PLATFORM))
    channels: dict[str, set[str]] = defaultdict(set)
    for place in await bot.known(PLATFORM):
        if place.workspace == workspace.team and place.thread:
            channels[place.channel].add(place.thread)
    missed, whole = 0, True
    for channel, roots in channels.items():
        try:
            missed += await _channel(workspace, bot, channel, roots, since)
        except PlatformError as error:
            # Where we may not read any more there is nothing to come back for.
            whole = whole and not error.retryable
            log.warning("cannot look for what was missed", channel=channel, error=str(error))
    if missed:
        log.info("found what was said while we were away", messages=missed)
    return missed, whole


async def _channel(workspace: Workspace, bot: Bot, channel: str, roots: Collection[str], since: str) -> int:
    # From the oldest thread on, for only its root tells whether something new stands in a thread.
    oldest = min(since, *roots)
    said = workspace.pages(
        "conversations.history", channel=channel, oldest=oldest, inclusive=True, limit=PAGE, most=PAGES
    )
    found = {message["ts"]: message async for message in said}
    count = 0
    for ts in sorted(found):
        if ts > since:
            count += await _bring(workspace, bot, channel, found[ts])
    # Somebody may have called us into any thread; of a busy channel the roots that we know may stand too far back.
    active = {root for root, message in found.items() if message.get("latest_reply", "") > since}
    for root in sorted(active | (set(roots) - found.keys())):
        async for message in _thread(workspace, channel, root, max(since, root)):
            count += await _bring(workspace, bot, channel, message)
    return count


async def _thread(workspace: Workspace, channel: str, root: str, since: str) -> AsyncIterator[dict[str, Any]]:
    said = workspace.pages("conversations.replies", channel=channel, ts=root, oldest=since, limit=PAGE, most=PAGES)
    try:
        async for message in said:
            if message["ts"] > since:
                yield message
    except RefusedError as error:
        if error.code != THREAD_GONE:
            raise


async def _bring(workspace: Workspace, bot: Bot, channel: str, message: dict[str, Any]) -> bool:
    """Whether it was new and is ours to answer. One that waits, and was edited meanwhile, says what it says now."""
    names = await workspace.names(people_in(message))
    event = {**message, "type": "message", "channel": channel}
    incoming = from_event(event, team=workspace.team, bot_user=workspace.bot_user, bot_id=workspace.bot_id, names=names)
    if incoming is None:
        return False
    if "edited" in message:
        await bot.revise(Revision(incoming.event, incoming.text, incoming.files, message["edited"]["ts"]))
    return (await bot.receive(incoming)).outcome == "accepted"


def _since(heard: str | None) -> str:
    return max(f"{float(heard) - OVERLAP:.6f}" if heard else "", f"{time.time() - LONGEST:.6f}")
