"""Requests to Discord share one limit, and answers go first."""

import asyncio

import discord
from discord.http import Route

from adapters.discord.acknowledging import Acknowledging
from adapters.discord.gateway import Identifies, Listener
from adapters.discord.rate import CALLS, RESERVE, Rate
from bot.budget import Budget
from bot.testing import TakingBot


async def test_answers_take_precedence_over_a_search_for_missed_messages() -> None:
    rate, made = Rate(), list[str]()
    replies, listener = (discord.Client(intents=discord.Intents.none()) for _ in range(2))

    def recorded(client: discord.Client, name: str) -> None:
        async def request(_: Route) -> None:
            made.append(name)

        client.http.request = request  # type: ignore[method-assign, assignment]

    recorded(replies, "answer")
    recorded(listener, "search")
    rate.limit(replies)
    rate.limit(listener, gives_way=60.0)
    anything = Route("GET", "/gateway")
    for _ in range(CALLS - RESERVE):
        await replies.http.request(anything)
    search = asyncio.create_task(listener.http.request(anything))
    await asyncio.sleep(0)
    await replies.http.request(anything)
    await search
    assert made == ["answer"] * (CALLS - RESERVE + 1) + ["search"]


async def test_the_connection_that_searches_for_missed_messages_is_the_one_that_gives_way() -> None:
    rate = Rate()
    rate._budget = Budget(CALLS, 1.0, clock=lambda: 0.0)
    answers = discord.Client(intents=discord.Intents.none())
    async with Listener(TakingBot(), Identifies(), rate, Acknowledging(), reads_all=True) as listener, answers:
        rate.limit(answers)
        for client, gives_way in ((listener, True), (answers, False)):
            while rate.is_spare:
                rate._budget.book()
            left = rate._budget.left
            request = asyncio.create_task(client.http.request(Route("GET", "/users/@me")))
            await asyncio.sleep(0)
            assert (rate._budget.left == left) == gives_way
            request.cancel()
            await asyncio.wait([request])
