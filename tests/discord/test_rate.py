"""Requests to Discord share one limit, and answers go first."""

import asyncio

import discord
from discord.http import Route

from adapters.discord.rate import CALLS, RESERVE, Rate


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
