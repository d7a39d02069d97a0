"""What tests say to the simulator: people talk, things go wrong, and `until` waits for what should be seen."""

from typing import Any

from tests.simulators.common.people import People
from tests.simulators.slack.records import Message, State


class SlackPeople(People[State]):
    """The people of the simulated workspace, and a view of everything in it."""

    def __init__(self, address: str) -> None:
        super().__init__(address, State.of, _summary)

    async def user(self, name: str) -> str:
        return str((await self._do("users", name=name))["id"])

    async def channel(self, name: str, *, has_bot: bool = True) -> str:
        return str((await self._do("channels", name=name, has_bot=has_bot))["id"])

    async def dm(self, user: str) -> str:
        """The Messages tab of a person."""
        return str((await self._do("dms", user=user))["id"])

    async def say(self, user: str, channel: str, text: str, **more: Any) -> str:
        """Says it as typed (`@threadline` is a mention); returns its ts. `more`: see `Message`, and `files`."""
        return str((await self._do("say", user=user, channel=channel, text=text, **more))["ts"])

    async def edit(self, channel: str, ts: str, text: str) -> None:
        await self._do("edit", channel=channel, ts=ts, text=text)

    async def delete(self, channel: str, ts: str) -> None:
        await self._do("delete", channel=channel, ts=ts)

    async def open_home(self, user: str, tab: str = "messages") -> None:
        await self._do("home", user=user, tab=tab)

    async def event(self, event: dict[str, Any]) -> str:
        """Sends any event at all; returns its event id."""
        return str((await self._do("event", event=event))["events"][0])

    async def command(self, user: str, channel: str, command: str, text: str = "") -> str:
        """Gives a slash command; returns what the person saw."""
        return str((await self._do("command", user=user, channel=channel, command=command, text=text))["seen"])

    async def redeliver(self, event_id: str) -> bool:
        """Slack sends an event again although it was acknowledged; whether the app acknowledged it again."""
        return bool((await self._do("redeliver", event_id=event_id))["acked"])

    async def disconnect(self, reason: str = "refresh_requested") -> None:
        await self._do("disconnect", reason=reason)

    async def replies(self, channel: str, root: str) -> list[Message]:
        """What the app said in a thread, oldest first."""
        return app_replies(await self.state(), channel, root)

    async def answer(self, channel: str, root: str, text: str, *, seconds: float = 60) -> Message:
        """Waits until a reply of the app in this thread contains `text`."""
        state = await self.until(
            lambda now: any(text in message.text for message in app_replies(now, channel, root)), seconds=seconds
        )
        return next(message for message in app_replies(state, channel, root) if text in message.text)


def app_replies(state: State, channel: str, root: str) -> list[Message]:
    """What the app said in a thread, oldest first."""
    mine = state.bot["bot_id"]
    return [m for m in state.messages if (m.channel, m.thread_ts, m.bot_id) == (channel, root, mine)]


def _summary(state: State) -> str:
    messages = "; ".join(f"{message.user}: {message.text[:80]!r}" for message in state.messages[-8:])
    calls = ", ".join(f"{call.method}={call.response.get('error', 'ok')}" for call in state.calls[-8:])
    return f"Messages: {messages or 'none'}. Calls: {calls or 'none'}. Sockets: {state.sockets}."
