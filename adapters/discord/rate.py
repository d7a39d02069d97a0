"""Keeps the bot account within Discord's limit for all its requests together."""

import asyncio
from typing import Any

import discord
from discord.http import Route

from bot.budget import Budget

# Discord allows fifty a second; requests may arrive closer together than they were sent.
CALLS, SECONDS = 45, 1.0
# How many of them are kept for answers: typing indicators, growing text and catching up use the rest.
RESERVE = 20
LOOK_AGAIN = 0.1


class Rate:
    """The shared limit of the clients of one account.

    It also counts edits of answers to interactions, which have a limit of their own at Discord.
    """

    def __init__(self) -> None:
        self._budget = Budget(CALLS, SECONDS)

    @property
    def is_spare(self) -> bool:
        """Whether there is room for a request that can be left out."""
        return self._budget.left > RESERVE

    def limit(self, client: discord.Client, *, gives_way: float = 0.0) -> None:
        """Make every request of this client wait for its turn; discord.py has no hook for that.

        `gives_way` is for how many seconds a request leaves the turn to answers.
        """
        request = client.http.request

        async def in_turn(route: Route, **arguments: Any) -> Any:
            for _ in range(round(gives_way / LOOK_AGAIN)):
                if self.is_spare:
                    break
                await asyncio.sleep(LOOK_AGAIN)
            if wait := self._budget.book():
                await asyncio.sleep(wait)
            return await request(route, **arguments)

        client.http.request = in_turn  # type: ignore[method-assign]
