"""Reads what people said in a thread before the bot was first mentioned there."""

from collections import deque
from typing import Any

from adapters.slack.errors import RefusedError
from adapters.slack.incoming import people_in, read
from adapters.slack.workspace import Workspace
from bot.adapter import Turn
from bot.words.asking import Before, Quoted

MOST_MESSAGES = 50
# Slack lists a thread from its beginning; at most this many pages are read to reach its end.
PAGES = 5


async def before(workspace: Workspace, turn: Turn) -> Before | None:
    """The root and the newest messages before the first question; None if there are none or they cannot be read."""
    asked = min((message.position for message in turn.incoming), default="")
    thread = turn.conversation.thread
    if not asked or not thread or asked <= thread:
        return None
    pages = workspace.pages(
        "conversations.replies", most=PAGES, channel=turn.conversation.channel, ts=thread, limit=200
    )
    newest: deque[dict[str, Any]] = deque(maxlen=MOST_MESSAGES)
    root: dict[str, Any] | None = None
    count = 0
    try:
        async for message in pages:
            if message.get("bot_id") == workspace.bot_id:
                return None  # the bot took part already, so the conversation has the earlier messages
            if message["ts"] < asked:
                root = root or message
                newest.append(message)
                count += 1
    except RefusedError as error:
        if error.code == "missing_scope":
            return None
        raise
    if root is None:
        return None
    said = list(newest) if newest[0] is root else [root, *list(newest)[1:]]
    return Before(tuple([await _quoted(workspace, message) for message in said]), more=count > MOST_MESSAGES)


async def _quoted(workspace: Workspace, message: dict[str, Any]) -> Quoted:
    names = await workspace.names(people_in(message))
    name = names.get(str(message.get("user"))) or message.get("username") or str(message.get("user") or "an app")
    return Quoted(name, read(message.get("text") or "", workspace.bot_user, names))
