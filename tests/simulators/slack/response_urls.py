"""Response URLs: each five times, for thirty minutes, to answer a command or change what was clicked."""

import secrets
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from tests.simulators.slack import blocks, events
from tests.simulators.slack.deliveries import Deliveries
from tests.simulators.slack.records import Message, Whisper
from tests.simulators.slack.world import BOT, World

USES = 5
LIFE = 30 * 60.0


@dataclass
class _Url:
    channel: str
    user: str
    born: float
    ts: str = ""
    thread_ts: str | None = None
    uses: int = USES


class ResponseUrls:
    """`ts` names the message that was clicked: what replace_original and delete_original are about."""

    def __init__(self, world: World, deliveries: Deliveries) -> None:
        self.address = ""
        self._world = world
        self._deliveries = deliveries
        self._urls: dict[str, _Url] = {}

    def new(self, channel: str, user: str, *, ts: str = "", thread_ts: str | None = None) -> str:
        name = secrets.token_hex(8)
        self._urls[name] = _Url(channel, user, self._world.now(), ts, thread_ts)
        return f"{self.address}/response/{name}"

    async def handle(self, request: web.Request) -> web.Response:
        url = self._urls.get(request.match_info["name"])
        if url is None or url.uses == 0:
            return web.json_response({"ok": False, "error": "used_url"}, status=404)
        if self._world.now() - url.born > LIFE:
            return web.json_response({"ok": False, "error": "expired_url"}, status=404)
        url.uses -= 1
        try:
            await self._answer(url, await request.json())
        except blocks.BlocksError:
            return web.json_response({"ok": False, "error": "invalid_blocks"}, status=400)
        return web.json_response({"ok": True})

    async def _answer(self, url: _Url, said: dict[str, Any]) -> None:
        original = self._original(url)
        if said.get("delete_original") and original is not None:
            await self._delete(original)
        elif said.get("replace_original") and original is not None:
            await self._replace(original, said)
        else:
            await self.show(url.channel, url.user, said, thread_ts=said.get("thread_ts"))

    def _original(self, url: _Url) -> Message | Whisper | None:
        whispers = (whisper for whisper in self._world.whispers if url.ts and whisper.ts == url.ts)
        return self._world.messages.get((url.channel, url.ts)) or next(whispers, None)

    async def _delete(self, original: Message | Whisper) -> None:
        if isinstance(original, Whisper):
            original.gone = True
        else:
            original.deleted = True
            channel = self._world.channels[original.channel]
            await self._deliveries.tell(events.of_deletion(original, channel, self._world.new_ts()))
        await self._world.changed()

    async def _replace(self, original: Message | Whisper, said: dict[str, Any]) -> None:
        original.blocks = blocks.accepted(said.get("blocks") or [])
        if isinstance(original, Whisper):
            original.text = str(said.get("text", ""))
        else:
            previous = original.text
            self._world.edit(original, str(said.get("text", "")))
            channel = self._world.channels[original.channel]
            await self._deliveries.tell(events.of_edit(original, channel, previous, self._world.new_ts()))
        await self._world.changed()

    async def show(self, channel: str, user: str, said: dict[str, Any], *, thread_ts: str | None = None) -> None:
        """What an app answers to a command or a click: to one person, or `in_channel` to all."""
        text, shown = str(said.get("text") or ""), blocks.accepted(said.get("blocks") or [])
        if not text and not shown:
            return
        ts = self._world.new_ts()
        if said.get("response_type") == "in_channel":
            message = Message(channel, ts, BOT["user_id"], text, thread_ts, BOT["bot_id"], blocks=shown)
            self._world.add_message(message)
            await self._deliveries.tell(*events.of_message(message, self._world.channels[channel], None))
        else:
            whisper = Whisper(channel, user, text, self._world.now(), ts, thread_ts, shown)
            self._world.whispers.append(whisper)
        await self._world.changed()
