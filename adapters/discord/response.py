"""The answer to `/assistant ask`, which shows that the bot is thinking until it is edited."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import structlog

from adapters.discord.account import Account
from adapters.discord.errors import RefusedError
from bot.segments import File
from storage.records import IncomingRow

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Response:
    """The answer to an interaction; its token allows edits for fifteen minutes, in any channel."""

    application: str
    token: str
    message: str
    question: str

    @classmethod
    def of(cls, row: IncomingRow) -> Self | None:
        if not row.reply_to:
            return None
        given = json.loads(row.reply_to)
        return cls(given["application"], given["token"], given["response"], row.body or "")

    async def edit(self, account: Account, text: str, files: Sequence[File] = (), *, message: str = "") -> bool:
        """Edit the answer, or a message after it; return False if the token has expired or it was deleted."""
        try:
            await account.edit_response(self.application, self.token, message or self.message, text, files)
        except RefusedError as error:
            if error.retryable:
                raise
            log.info("the answer to a command can no longer be edited with its token", error=str(error))
            return False
        return True

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
