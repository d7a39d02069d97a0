"""Finds messages that were missed while the program was away or disconnected, and passes them to the bot.

Slack redelivers an event for some minutes only; after that it is lost.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Collection
from typing import Any

import structlog

from adapters.slack.errors import RefusedError
from adapters.slack.incoming import PLATFORM, from_event, people_in
from adapters.slack.workspace import Workspace
from bot.adapter import Bot, PlatformError
from bot.catch_up import look_from
from bot.incoming import Revision

PAGE = 999
# At most this many pages of a channel or thread are read, the newest first.
PAGES = 20
THREAD_GONE = "thread_not_found"

log = structlog.get_logger()


async def catch_up(workspace: Workspace, bot: Bot, also: Collection[str] = ()) -> tuple[int, bool]:
    """Pass missed messages to the bot, oldest first in each place. `also` are channels besides the known ones.

    Returns how many there were, and whether every place could be read. Raises `NotClaimedError`.
    """
    heard = await bot.heard_until(PLATFORM)
    since = f"{look_from(float(heard) if heard else None):.6f}"
    channels: dict[str, set[str]] = defaultdict(set, {channel: set() for channel in also})
    for place in await bot.known(PLATFORM):
        if place.workspace == workspace.team and place.thread:
            channels[place.channel].add(place.thread)
    missed, whole = 0, True
    for channel, roots in channels.items():
        try:
            missed += await _channel(workspace, bot, channel, roots, since)
        except PlatformError as error:
            # A place that may no longer be read is not worth a retry.
            whole = whole and not error.retryable
            log.warning("cannot look for missed messages", channel=channel, error=str(error))
    if missed:
        log.info("found messages that were missed", messages=missed)
    return missed, whole


async def _channel(workspace: Workspace, bot: Bot, channel: str, roots: Collection[str], since: str) -> int:
    # From the oldest known thread on, because only the root of a thread says whether it has new replies.
    oldest = min([since, *roots])
    said = workspace.pages(
        "conversations.history", channel=channel, oldest=oldest, inclusive=True, limit=PAGE, most=PAGES
    )
    found = {message["ts"]: message async for message in said}
    count = 0
    for ts in sorted(found):
        if ts > since:
            count += await _bring(workspace, bot, channel, found[ts])
    # The bot may have been mentioned in any thread. In a busy channel, known roots may be older than the pages read.
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
    """Pass one message to the bot; return whether it was accepted. If it waits already, its edits are applied."""
    names = await workspace.names(people_in(message))
    event = {**message, "type": "message", "channel": channel}
    incoming = from_event(event, team=workspace.team, bot_user=workspace.bot_user, bot_id=workspace.bot_id, names=names)
    if incoming is None:
        return False
    if "edited" in message:
        await bot.revise(Revision(incoming.event, incoming.text, incoming.files, message["edited"]["ts"]))
    return (await bot.receive(incoming)).outcome == "accepted"
