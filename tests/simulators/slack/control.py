"""The control API under /sim: what people do in the workspace, what goes wrong, and what can be seen of it all."""

from dataclasses import dataclass
from typing import Any

from aiohttp import web

from tests.simulators.common.control import Action, posts
from tests.simulators.slack import events
from tests.simulators.slack.records import Channel, Message, Whisper
from tests.simulators.slack.socket_mode import SocketMode
from tests.simulators.slack.world import World


class Control:
    """Routes for tests and for the page."""

    def __init__(self, world: World, sockets: SocketMode) -> None:
        self._world = world
        self._sockets = sockets
        self._response_urls: dict[str, _ResponseUrl] = {}

    def routes(self) -> list[web.RouteDef]:
        actions: dict[str, Action] = {
            "users": self._add_user,
            "channels": self._add_channel,
            "dms": self._dm,
            "say": self._say,
            "edit": self._edit,
            "delete": self._delete,
            "home": self._home,
            "event": self._event,
            "command": self._command,
            "redeliver": self._redeliver,
            "disconnect": self._disconnect,
            "settings": self._settings,
        }
        return [*posts(actions), web.post("/response/{trigger}", self._respond)]

    async def _add_user(self, order: dict[str, Any]) -> dict[str, Any]:
        user = self._world.add_user(order["name"])
        await self._world.changed()
        return user.json()

    async def _add_channel(self, order: dict[str, Any]) -> dict[str, Any]:
        channel = self._world.add_channel(order["name"], has_bot=order.get("has_bot", True))
        await self._world.changed()
        return channel.json()

    async def _dm(self, order: dict[str, Any]) -> dict[str, Any]:
        channel = self._world.dm(order["user"])
        await self._world.changed()
        return channel.json()

    async def _say(self, order: dict[str, Any]) -> dict[str, Any]:
        """A person, or with `bot_id` another app, says something."""
        channel = self._world.channels[order["channel"]]
        message = Message(
            channel=channel.id,
            ts=self._world.new_ts(),
            user=order["user"],
            text=self._world.as_typed(order["text"]),
            thread_ts=order.get("thread_ts"),
            bot_id=order.get("bot_id"),
            metadata=order.get("metadata"),
        )
        self._world.add_message(message)
        await self._world.changed()
        return {"ts": message.ts, "events": await self._tell(message, channel, order.get("files", []))}

    async def _tell(self, message: Message, channel: Channel, files: list[dict[str, Any]]) -> list[str]:
        if not channel.has_bot:
            return []
        root = self._world.messages.get((channel.id, message.thread_ts or ""))
        happened = events.of_message(message, channel, root.user if root else None, files)
        return [await self._sockets.send_event(event) for event in happened]

    async def _edit(self, order: dict[str, Any]) -> dict[str, Any]:
        message = self._world.messages[order["channel"], order["ts"]]
        previous = message.text
        self._world.edit(message, self._world.as_typed(order["text"]))
        channel = self._world.channels[message.channel]
        event = events.of_edit(message, channel, previous, self._world.new_ts())
        return {"events": [await self._sockets.send_event(event)]}

    async def _delete(self, order: dict[str, Any]) -> dict[str, Any]:
        message = self._world.messages[order["channel"], order["ts"]]
        message.deleted = True
        event = events.of_deletion(message, self._world.channels[message.channel], self._world.new_ts())
        return {"events": [await self._sockets.send_event(event)]}

    async def _home(self, order: dict[str, Any]) -> dict[str, Any]:
        channel = self._world.dm(order["user"])
        event = events.of_home(order["user"], channel.id, order.get("tab", "messages"), self._world.new_ts())
        return {"events": [await self._sockets.send_event(event)]}

    async def _event(self, order: dict[str, Any]) -> dict[str, Any]:
        """Any event at all, as given."""
        return {"events": [await self._sockets.send_event(order["event"])]}

    async def _command(self, order: dict[str, Any]) -> dict[str, Any]:
        """A slash command; answers with what the person saw, or that the app did not respond in three seconds."""
        user, channel = self._world.users[order["user"]], self._world.channels[order["channel"]]
        trigger = self._world.new_id("trigger")
        url = f"{self._sockets.address.replace('ws', 'http', 1)}/response/{trigger}"
        payload = events.of_command(user, channel, order["command"], order.get("text", ""), trigger, url)
        self._response_urls[trigger] = _ResponseUrl(channel.id, user.id)
        delivery = await self._sockets.send_command(payload)
        seen = f"{order['command']} failed because the app did not respond" if delivery.gave_up else _text(delivery.ack)
        await self._whisper(channel.id, user.id, seen)
        return {"seen": seen, "response_url": url}

    async def _whisper(self, channel: str, user: str, text: str) -> None:
        if text:
            self._world.whispers.append(Whisper(channel, user, text, self._world.clock.now()))
            await self._world.changed()

    async def _respond(self, request: web.Request) -> web.Response:
        """A response URL: five uses."""
        url = self._response_urls.get(request.match_info["trigger"])
        if url is None or url.uses == 0:
            return web.json_response({"ok": False, "error": "used_url"}, status=404)
        url.uses -= 1
        await self._whisper(url.channel, url.user, _text(await request.json()))
        return web.json_response({"ok": True})

    async def _redeliver(self, order: dict[str, Any]) -> dict[str, Any]:
        return {"acked": await self._sockets.redeliver(order["event_id"])}

    async def _disconnect(self, order: dict[str, Any]) -> dict[str, Any]:
        await self._sockets.disconnect(order.get("reason", "refresh_requested"))
        return {}

    async def _settings(self, order: dict[str, Any]) -> dict[str, Any]:
        """`ack_timeout`, `retry_delays` (seconds), `scopes` of the bot token, the bot's place in a channel."""
        self._sockets.ack_timeout = order.get("ack_timeout", self._sockets.ack_timeout)
        self._sockets.retry_delays = tuple(order.get("retry_delays", self._sockets.retry_delays))
        self._world.scopes = set(order.get("scopes", self._world.scopes))
        for name, archived in order.get("archived", {}).items():
            self._world.channels[name].archived = archived
        await self._world.changed()
        return {}


@dataclass
class _ResponseUrl:
    channel: str
    user: str
    uses: int = 5


def _text(payload: dict[str, Any] | None) -> str:
    return str((payload or {}).get("text", ""))
