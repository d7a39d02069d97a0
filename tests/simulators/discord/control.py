"""The control API under /sim: what people do in the server, what goes wrong, and what can be seen of it all."""

import base64
import time

from aiohttp import web

from tests.simulators.common.control import Action, Instruments, Order, posts
from tests.simulators.discord import payloads
from tests.simulators.discord.audience import Audience
from tests.simulators.discord.gateway import Gateway
from tests.simulators.discord.invoking import Invoking
from tests.simulators.discord.mentions import called
from tests.simulators.discord.records import Fault, Message, Typing
from tests.simulators.discord.rest import Rest
from tests.simulators.discord.world import World

# Flags that a person's message may have: it is a voice message, or another message brought along.
VOICE, FORWARD = 1 << 13, 1 << 14


class Control:
    """Routes for tests and for the page."""

    def __init__(self, world: World, audience: Audience, gateway: Gateway, rest: Rest) -> None:
        self._world = world
        self._audience = audience
        self._gateway = gateway
        self._rest = rest
        self._invoking = Invoking(world, audience)

    def routes(self) -> list[web.RouteDef]:
        actions: dict[str, Action] = {
            "users": self._add_user,
            "channels": self._add_channel,
            "threads": self._add_thread,
            "posts": self._add_post,
            "dms": self._dm,
            "say": self._say,
            "edit": self._edit,
            "delete": self._delete,
            "delete_channel": self._delete_channel,
            "deny": self._deny,
            "type": self._type,
            "command": self._command,
            "complete": self._complete,
            "press": self._press,
            "submit": self._submit,
            "redeliver": self._redeliver,
            "event": self._event,
            "disconnect": self._disconnect,
            "settings": self._settings,
        }
        return [*Instruments(self._world, Fault, lambda: self._world.state().json()).routes(), *posts(actions)]

    async def _add_user(self, order: Order) -> Order:
        user = self._world.add_user(order["name"], bot=order.get("bot", False))
        await self._world.changed()
        return user.json()

    async def _add_channel(self, order: Order) -> Order:
        channel = self._world.add_channel(order["name"], order.get("denied", ()), forum=order.get("forum", False))
        await self._audience.tell_place("CHANNEL_CREATE", channel)
        await self._world.changed()
        return channel.json()

    async def _add_thread(self, order: Order) -> Order:
        """A person starts a thread, from a message or alone."""
        parent = self._world.channels[order["channel"]]
        thread = self._world.add_thread(parent, order["name"], order["user"], order.get("message"), 1440)
        await self._audience.tell_thread(thread)
        await self._world.changed()
        return thread.json()

    async def _add_post(self, order: Order) -> Order:
        """A person posts in a forum: a thread whose first message has the thread's id."""
        world = self._world
        thread = world.add_thread(world.channels[order["channel"]], order["name"], order["user"], None, 1440)
        await self._audience.tell_thread(thread)
        text = world.as_typed(order["text"])
        message = Message(thread.id, thread.id, order["user"], text, time.time())
        world.add_message(message, called(text, None, None))
        await self._audience.tell_message("MESSAGE_CREATE", message)
        await world.changed()
        return thread.json()

    async def _dm(self, order: Order) -> Order:
        channel = self._world.dm(order["user"])
        await self._world.changed()
        return channel.json()

    async def _say(self, order: Order) -> Order:
        """A person, another bot or a webhook says something."""
        world = self._world
        reference, files = order.get("reply_to"), order.get("files", [])
        message = Message(
            world.new_id(),
            order["channel"],
            order["user"],
            world.as_typed(order["text"]),
            time.time(),
            type=order.get("type", 19 if reference else 0),
            flags=VOICE if order.get("voice") else FORWARD if order.get("forward") else 0,
            reference=reference,
            forwarded=order.get("forward"),
            webhook=order.get("webhook"),
            attachments=[world.keep(order["channel"], *_file(one)) | one.get("told", {}) for one in files],
        )
        replied_to = world.messages[reference].author if reference else None
        await self._audience.wake(world.channels[message.channel])
        world.add_message(message, called(message.content, None, replied_to))
        await self._audience.tell_message("MESSAGE_CREATE", message)
        await world.changed()
        return {"id": message.id}

    async def _edit(self, order: Order) -> Order:
        message = self._world.messages[order["message"]]
        content = self._world.as_typed(order["text"])
        self._world.edit(message, content, called(content, None, None))
        if "files" in order:
            message.attachments = [one for one in message.attachments if one["filename"] in order["files"]]
        await self._audience.tell_message("MESSAGE_UPDATE", message)
        await self._world.changed()
        return {}

    async def _delete(self, order: Order) -> Order:
        message = self._world.messages[order["message"]]
        message.deleted = True
        await self._audience.tell_deleted(message)
        await self._world.changed()
        return {}

    async def _delete_channel(self, order: Order) -> Order:
        """A channel with its threads, or a thread."""
        gone = [one for one in self._world.channels.values() if order["channel"] in (one.id, one.parent)]
        for place in sorted(gone, key=lambda one: one.kind != "thread"):
            place.deleted = True
            await self._audience.tell_place("THREAD_DELETE" if place.kind == "thread" else "CHANNEL_DELETE", place)
        await self._world.changed()
        return {}

    async def _deny(self, order: Order) -> Order:
        """From now on the app lacks these permissions there, and no others."""
        place = self._world.channels[order["channel"]]
        place.denied = order["permissions"]
        await self._audience.tell("CHANNEL_UPDATE", payloads.channel(self._world, place), "guilds")
        await self._world.changed()
        return {}

    async def _type(self, order: Order) -> Order:
        """A person is seen typing."""
        place, user = self._world.channels[order["channel"]], self._world.users[order["user"]]
        self._world.typing.append(Typing(place.id, user.id, self._world.clock.now()))
        told = {"channel_id": place.id, "user_id": user.id, "timestamp": int(time.time())}
        in_dm = place.kind == "dm"
        await self._audience.tell("TYPING_START", told, "dm_typing" if in_dm else "guild_typing")
        await self._world.changed()
        return {}

    async def _command(self, order: Order) -> Order:
        more = {"user_installed": order.get("user_installed", False)}
        where = order["user"], order["channel"], order["text"]
        return (await self._invoking.command(*where, order.get("options", {}), **more)).json()

    async def _complete(self, order: Order) -> Order:
        where = order["user"], order["channel"], order["text"]
        return (await self._invoking.complete(*where, order["option"])).json()

    async def _press(self, order: Order) -> Order:
        pressed = order["user"], order["message"], order["custom_id"]
        return (await self._invoking.press(*pressed, order.get("values"))).json()

    async def _submit(self, order: Order) -> Order:
        return (await self._invoking.submit(order["user"], order["interaction"], order["values"])).json()

    async def _redeliver(self, order: Order) -> Order:
        """The gateway tells of a message again."""
        await self._audience.tell_message("MESSAGE_CREATE", self._world.messages[order["message"]])
        return {}

    async def _event(self, order: Order) -> Order:
        """Any event at all, as given."""
        await self._audience.tell(order["name"], order["data"], None)
        return {}

    async def _disconnect(self, order: Order) -> Order:
        await self._gateway.disconnect(order.get("how", "reconnect"))
        return {}

    async def _settings(self, order: Order) -> Order:
        """See `client.DiscordPeople.settings`."""
        self._world.privileged = set(order.get("privileged", self._world.privileged))
        self._rest.content_type = order.get("content_type", self._rest.content_type)
        self._gateway.beat_every = order.get("beat_every", self._gateway.beat_every)
        self._gateway.acknowledges = order.get("acknowledges", self._gateway.acknowledges)
        for name, (calls, seconds) in order.get("rate_limits", {}).items():
            self._rest.buckets.limits[name] = (calls, seconds)
        return {}


def _file(told: Order) -> tuple[str, str, bytes]:
    return told["name"], told.get("type", "application/octet-stream"), base64.b64decode(told["data"])
