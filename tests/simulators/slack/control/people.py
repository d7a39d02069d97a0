"""What people do: come, say, edit, delete, react, share files, look at the app."""

import base64
import mimetypes
from typing import Any

from aiohttp import web

from tests.simulators.common.control import Order, posts
from tests.simulators.slack import events
from tests.simulators.slack.methods.files import as_file
from tests.simulators.slack.records import File, Message
from tests.simulators.slack.site import Site


class People:
    def __init__(self, site: Site) -> None:
        self._site = site
        self._world = site.world

    def routes(self) -> list[web.RouteDef]:
        return posts(
            {
                "users": self._add_user,
                "channels": self._add_channel,
                "dms": self._dm,
                "upload": self._upload,
                "say": self._say,
                "edit": self._edit,
                "delete": self._delete,
                "react": self._react,
                "home": self._home,
                "stop": self._stop,
                "rename_session": self._rename_session,
            }
        )

    async def _add_user(self, order: Order) -> Order:
        user = self._world.add_user(
            order["name"],
            admin=order.get("admin", False),
            locale=order.get("locale", "en-GB"),
            team=order.get("team", ""),
        )
        await self._world.changed()
        return user.json()

    async def _add_channel(self, order: Order) -> Order:
        has_bot, kind = order.get("has_bot", True), order.get("kind", "channel")
        channel = self._world.add_channel(order["name"], has_bot=has_bot, kind=kind)
        await self._world.changed()
        return channel.json()

    async def _dm(self, order: Order) -> Order:
        channel = self._world.dm(order["user"])
        await self._world.changed()
        return channel.json()

    async def _upload(self, order: Order) -> Order:
        """A person's file, its bytes in base64; to be shared by saying something."""
        content, name = base64.b64decode(order["content"]), order["name"]
        mimetype = order.get("mimetype") or mimetypes.guess_type(name)[0] or "application/octet-stream"
        file = File(self._world.new_id("F"), name, len(content), mimetype, order["user"], uploaded=True)
        self._world.files[file.id] = file
        self._world.bytes[file.id] = content
        await self._world.changed()
        return file.json()

    async def _say(self, order: Order) -> Order:
        """A person, or with `bot_id` another app, says something. `files` are ids of uploaded ones, or given whole."""
        channel = self._world.channels[order["channel"]]
        message = Message(
            channel=channel.id,
            ts=self._world.new_ts(),
            user=order["user"],
            text=self._world.as_typed(order["text"]),
            thread_ts=order.get("thread_ts"),
            bot_id=order.get("bot_id"),
            metadata=order.get("metadata"),
            files=[self._shared(file) for file in order.get("files", [])],
        )
        self._world.add_message(message)
        await self._world.changed()
        if not channel.has_bot:
            return {"ts": message.ts, "events": []}
        root = self._world.messages.get((channel.id, message.thread_ts or ""))
        author = self._world.users.get(message.user)
        happened = events.of_message(message, channel, root.user if root else None, author.team if author else "")
        return {"ts": message.ts, "events": await self._site.deliveries.tell(*happened)}

    def _shared(self, file: str | dict[str, Any]) -> dict[str, Any]:
        if isinstance(file, dict):
            return file
        self._world.files[file].shared = True
        return as_file(self._world.files[file], self._site.address)

    async def _edit(self, order: Order) -> Order:
        message = self._message(order)
        previous = message.text
        message.edited = True
        self._world.edit(message, self._world.as_typed(order["text"]))
        channel = self._world.channels[message.channel]
        event = events.of_edit(message, channel, previous, self._world.new_ts())
        return {"events": await self._site.deliveries.tell(event)}

    async def _delete(self, order: Order) -> Order:
        message = self._message(order)
        message.deleted = True
        event = events.of_deletion(message, self._world.channels[message.channel], self._world.new_ts())
        await self._world.changed()
        return {"events": await self._site.deliveries.tell(event)}

    async def _react(self, order: Order) -> Order:
        """Adds a reaction, or takes it back."""
        message, user, name = self._message(order), order["user"], order["name"]
        users = message.reactions.setdefault(name, [])
        kind = "reaction_removed" if user in users else "reaction_added"
        users.remove(user) if user in users else users.append(user)
        if not users:
            del message.reactions[name]
        await self._world.changed()
        event = events.of_reaction(kind, user, name, message, self._world.new_ts())
        return {"events": await self._site.deliveries.tell(event)}

    async def _home(self, order: Order) -> Order:
        channel = self._world.dm(order["user"])
        event = events.of_home(order["user"], channel.id, order.get("tab", "messages"), self._world.new_ts())
        return {"events": await self._site.deliveries.tell(event)}

    async def _stop(self, order: Order) -> Order:
        """A person presses Stop: Slack ends the thread's streams and tells the app."""
        channel, thread = order["channel"], order["thread_ts"]
        streaming = [message for message in self._world.thread(channel, thread) if message.stream == "open"]
        for message in streaming:
            message.stream = "stopped_by_user"
        await self._world.changed()
        stopped = [message.ts for message in streaming]
        event = events.of_session_stopped(order["user"], channel, thread, stopped, self._world.new_ts())
        return {"events": await self._site.deliveries.tell(event)}

    async def _rename_session(self, order: Order) -> Order:
        channel, thread, title = order["channel"], order["thread_ts"], order["title"]
        self._world.sessions[channel, thread].title = title
        await self._world.changed()
        event = events.of_session_title(order["user"], channel, thread, title, self._world.new_ts())
        return {"events": await self._site.deliveries.tell(event)}

    def _message(self, order: Order) -> Message:
        return self._world.messages[order["channel"], order["ts"]]
