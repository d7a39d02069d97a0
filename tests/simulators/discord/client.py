"""What tests say to the simulator: people talk, things go wrong, and `until` waits for what should be seen."""

import base64
from collections.abc import Mapping
from typing import Any

from tests.simulators.common.client import People
from tests.simulators.discord.records import Interaction, Message, State


class DiscordPeople(People[State]):
    """The people of the simulated server, and a view of everything in it."""

    def __init__(self, address: str) -> None:
        super().__init__(address, State)

    async def user(self, name: str, *, bot: bool = False) -> str:
        return str((await self._do("users", name=name, bot=bot))["id"])

    async def channel(self, name: str, *, denied: list[str] | None = None, forum: bool = False) -> str:
        """`denied`: permissions the app lacks there, as `permissions.BITS` names them."""
        return str((await self._do("channels", name=name, denied=denied or [], forum=forum))["id"])

    async def thread(self, user: str, channel: str, name: str, *, message: str | None = None) -> str:
        """A person starts a thread; one from a message has that message's id."""
        return str((await self._do("threads", user=user, channel=channel, name=name, message=message))["id"])

    async def post(self, user: str, forum: str, name: str, text: str) -> str:
        """A person posts in a forum; returns the id of the post's thread, which its first message shares."""
        return str((await self._do("posts", user=user, channel=forum, name=name, text=text))["id"])

    async def dm(self, user: str) -> str:
        return str((await self._do("dms", user=user))["id"])

    async def say(self, user: str, channel: str, text: str, **more: Any) -> str:
        """Says it as typed (`@threadline` is a mention); returns its id.

        `more`: reply_to, files, webhook, type; forward, a message's id; voice, whether its file is one.
        """
        return str((await self._do("say", user=user, channel=channel, text=text, **more))["id"])

    async def edit(self, message: str, text: str, **more: Any) -> None:
        """Changes its words; of its files those named by `files` stay, all of them without that."""
        await self._do("edit", message=message, text=text, **more)

    async def delete(self, message: str) -> None:
        await self._do("delete", message=message)

    async def delete_channel(self, channel: str) -> None:
        await self._do("delete_channel", channel=channel)

    async def deny(self, channel: str, *permissions: str) -> None:
        """From now on the app lacks these there, and no others."""
        await self._do("deny", channel=channel, permissions=permissions)

    async def type(self, user: str, channel: str) -> None:
        await self._do("type", user=user, channel=channel)

    async def command(self, user: str, channel: str, text: str, **options: Any) -> Interaction:
        """Gives a slash command as typed, or its options by name; returns once the app responded or three seconds
        have passed (`failed`)."""
        return Interaction.of(await self._do("command", user=user, channel=channel, text=text, options=options))

    async def command_user_installed(self, user: str, channel: str, text: str) -> Interaction:
        """The same by a person who carries the app along, where the server does not have it."""
        return Interaction.of(await self._do("command", user=user, channel=channel, text=text, user_installed=True))

    async def complete(self, user: str, channel: str, text: str, option: str) -> list[str]:
        """What the app offers while somebody types `option` at the end of `text`."""
        asked = Interaction.of(await self._do("complete", user=user, channel=channel, text=text, option=option))
        return [str(choice["name"]) for choice in asked.choices]

    async def press(self, user: str, message: str, custom_id: str, *, values: list[str] | None = None) -> Interaction:
        """Presses a button, or chooses in a select."""
        return Interaction.of(await self._do("press", user=user, message=message, custom_id=custom_id, values=values))

    async def submit(self, user: str, interaction: str, **values: Any) -> Interaction:
        """Sends the form that answered an interaction; `values` by custom id."""
        return Interaction.of(await self._do("submit", user=user, interaction=interaction, values=values))

    async def redeliver(self, message: str) -> None:
        """The gateway tells of a message again."""
        await self._do("redeliver", message=message)

    async def event(self, name: str, data: dict[str, Any]) -> None:
        """Any event at all."""
        await self._do("event", name=name, data=data)

    async def disconnect(self, how: str = "reconnect") -> None:
        """`reconnect` (op 7), `invalid` or `resumable` (op 9), `beat` (op 1), `drop`, or a close code."""
        await self._do("disconnect", how=how)

    async def settings(self, **settings: Any) -> None:
        """`privileged` intents the portal allows (names), `content_type` of answers, `beat_every` seconds,
        `acknowledges` heartbeats or not, `rate_limits` {call: [calls, seconds]} (`*`: all calls)."""
        await super().settings(**settings)

    async def said(self, channel: str) -> list[Message]:
        """What the app said there, oldest first."""
        return app_messages(await self.state(), channel)

    async def answer(self, channel: str, text: str, *, seconds: float = 60) -> Message:
        """Waits until a message of the app in this channel, thread or DM contains `text`."""
        state = await self.until(
            lambda now: any(text in message.content for message in app_messages(now, channel)), seconds=seconds
        )
        return next(message for message in app_messages(state, channel) if text in message.content)


def app_messages(state: State, channel: str) -> list[Message]:
    """What the app said there, oldest first."""
    return [message for message in state.messages if (message.channel, message.author) == (channel, state.bot["id"])]


def file(name: str, data: bytes, type_: str = "text/plain") -> dict[str, str]:
    """A file for `say`."""
    return {"name": name, "type": type_, "data": base64.b64encode(data).decode()}


def wiring(simulator: Mapping[str, Any]) -> dict[str, str]:
    """The settings of a program that is to live there, from what the simulator told of itself."""
    return {
        "DISCORD_TOKEN": simulator["token"],
        "DISCORD_API_BASE_URL": simulator["api"],
        "DISCORD_GATEWAY_URL": simulator["gateway"],
    }
