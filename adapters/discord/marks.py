"""The reaction that marks a waiting message."""

import structlog

from adapters.discord.account import Account
from adapters.discord.errors import MISSING_ACCESS, MISSING_PERMISSIONS, UNKNOWN_MESSAGE, RefusedError
from storage.records import Conversation, IncomingRow

EMOJI = "👀"

log = structlog.get_logger()


async def mark(account: Account, conversation: Conversation, message: IncomingRow, *, waits: bool) -> None:
    """Add or remove the reaction. Raises `PlatformError`."""
    if message.reply_to or not account.may_react:
        return  # Discord already shows that a command is being answered
    where = conversation.channel if message.event == conversation.key else conversation.thread or conversation.channel
    try:
        await account.react(where, message.event.partition(":")[2], EMOJI, on=waits)
    except RefusedError as error:
        if error.code == UNKNOWN_MESSAGE:
            return
        if error.code in (MISSING_ACCESS, MISSING_PERMISSIONS):
            account.may_react = False
            log.warning("cannot mark waiting messages: give the bot's role Add Reactions", error=str(error))
            return
        raise
