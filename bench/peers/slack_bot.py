"""A minimal Slack bot: a placeholder that is edited once a second, cut at Slack's limit.

python -m bench.peers.slack_bot
"""

import asyncio
import os
import time
from typing import Any

from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bench.peers.chat import words

LIMIT = 3_000


def app() -> AsyncApp:
    client = AsyncWebClient(token=os.environ["SLACK_BOT_TOKEN"], base_url=os.environ["SLACK_API_BASE_URL"])
    bolt = AsyncApp(client=client)

    @bolt.event("app_mention")
    async def answer(event: dict[str, Any], client: AsyncWebClient) -> None:
        channel, thread = event["channel"], event.get("thread_ts") or event["ts"]
        placeholder = await client.chat_postMessage(channel=channel, thread_ts=thread, text="Thinking…")
        text, shown_at = "", time.monotonic()
        async for piece in words(event["text"].partition(">")[2].strip()):
            text += piece
            if time.monotonic() - shown_at > 1:
                await client.chat_update(channel=channel, ts=str(placeholder["ts"]), text=text[:LIMIT])
                shown_at = time.monotonic()
        await client.chat_update(channel=channel, ts=str(placeholder["ts"]), text=text[:LIMIT])
        for start in range(LIMIT, len(text), LIMIT):
            await client.chat_postMessage(channel=channel, thread_ts=thread, text=text[start : start + LIMIT])

    return bolt


async def main() -> None:
    handler: Any = AsyncSocketModeHandler(app(), os.environ["SLACK_APP_TOKEN"])
    await handler.start_async()


if __name__ == "__main__":
    asyncio.run(main())
