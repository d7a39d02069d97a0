"""A minimal Discord bot: a reply that is edited once a second, followed by others where Discord's limit is reached.

python -m bench.peers.discord_bot
"""

import os
import time

import yarl
from discord import Client, Intents, Message
from discord.gateway import DiscordWebSocket
from discord.http import Route

from bench.peers.chat import words

LIMIT = 2_000


class Bot(Client):
    async def on_message(self, message: Message) -> None:
        if message.author.bot or self.user is None or self.user not in message.mentions:
            return
        chain: list[Message] = []
        text, shown_at = "", time.monotonic()
        async with message.channel.typing():
            async for piece in words(message.content.partition(">")[2].strip()):
                text += piece
                if time.monotonic() - shown_at > 1:
                    await self._show(message, chain, text)
                    shown_at = time.monotonic()
        await self._show(message, chain, text)

    async def _show(self, message: Message, chain: list[Message], text: str) -> None:
        parts = [text[start : start + LIMIT] for start in range(0, len(text), LIMIT)]
        for number, part in enumerate(parts):
            if number == len(chain):
                chain.append(await (chain[-1] if chain else message).reply(part))
            elif chain[number].content != part:
                chain[number] = await chain[number].edit(content=part)


def main() -> None:
    Route.BASE = os.environ["DISCORD_API_BASE_URL"]
    DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(os.environ["DISCORD_GATEWAY_URL"])
    intents = Intents(guilds=True, guild_messages=True, message_content=True)
    Bot(intents=intents).run(os.environ["DISCORD_TOKEN"], log_handler=None)


if __name__ == "__main__":
    main()
