"""The answer to `/assistant ask`, which shows that the bot is thinking until it is edited."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import structlog

from adapters.discord.account import ORIGINAL, Account
from adapters.discord.errors import (
    INVALID_WEBHOOK_TOKEN,
    UNKNOWN_INTERACTION,
    UNKNOWN_MESSAGE,
    UNKNOWN_WEBHOOK,
    RefusedError,
)
from adapters.discord.place import Posted
from bot.segments import File
from storage.records import IncomingRow

# How Discord says that there is no such response, or that its token has expired.
_GONE = {UNKNOWN_MESSAGE, UNKNOWN_WEBHOOK, UNKNOWN_INTERACTION, INVALID_WEBHOOK_TOKEN}

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Response:
    """The answer to an interaction; its token allows edits for fifteen minutes, in any channel."""

    application: str
    token: str
    interaction: str
    question: str

    @classmethod
    def of(cls, row: IncomingRow) -> Self | None:
        if not row.reply_to:
            return None
        given = json.loads(row.reply_to)
        return cls(given["application"], given["token"], row.event.partition(":")[2], row.body or "")

    async def edit(
        self, account: Account, text: str, files: Sequence[File] = (), *, message: str = ORIGINAL
    ) -> Posted | None:
        """Edit the answer, or a message after it.

        Returns None if there is none: the token has expired, it was deleted, or the command was never acknowledged,
        as by a program that was killed.
        """
        await account.acknowledging.wait(self.interaction)
        try:
            channel, edited = await account.edit_response(self.application, self.token, message, text, files)
        except RefusedError as error:
            if error.code not in _GONE:
                raise
            log.info("the answer to a command cannot be edited with its token", error=str(error))
            return None
        return Posted(channel, edited)

    async def remove(self, account: Account, message: str) -> None:
        """Delete a message after the answer, unless it is deleted already or the token has expired."""
        try:
            await account.delete_response(self.application, self.token, message)
        except RefusedError as error:
            if error.retryable:
                raise
            log.info("a message after the answer to a command was not deleted", error=str(error))

    async def follow_up(self, account: Account, text: str, files: Sequence[File] = ()) -> str:
        """Post another message after the answer; returns its id."""
        return await account.follow_up(self.application, self.token, text, files)
