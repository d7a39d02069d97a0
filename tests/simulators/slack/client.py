"""What tests say to the simulator: people talk, things go wrong, and `until` waits for what should be seen."""

import base64
from collections.abc import Mapping
from typing import Any

from tests.simulators.common.client import People
from tests.simulators.slack.records import Message, State


class SlackPeople(People[State]):
    """The people of the simulated workspace, and a view of everything in it."""

    def __init__(self, address: str) -> None:
        super().__init__(address, State)

    async def user(self, name: str, *, admin: bool = False, locale: str = "en-GB", team: str = "") -> str:
        """Somebody new; `team` is where they come from over Slack Connect."""
        return str((await self._do("users", name=name, admin=admin, locale=locale, team=team))["id"])

    async def channel(self, name: str, *, has_bot: bool = True, kind: str = "channel") -> str:
        """A place; `kind` `group` is a private channel, `mpim` a group message."""
        return str((await self._do("channels", name=name, has_bot=has_bot, kind=kind))["id"])

    async def dm(self, user: str) -> str:
        """The Messages tab of a person."""
        return str((await self._do("dms", user=user))["id"])

    async def upload(self, user: str, name: str, content: bytes, *, mimetype: str = "") -> str:
        """A file to share by `say(files=[…])`; returns its id."""
        encoded = base64.b64encode(content).decode()
        return str((await self._do("upload", user=user, name=name, content=encoded, mimetype=mimetype))["id"])

    async def say(self, user: str, channel: str, text: str, **more: Any) -> str:
        """Says it as typed (`@threadline` is a mention); returns its ts. `more`: see `Message`, and `files`."""
        return str((await self._do("say", user=user, channel=channel, text=text, **more))["ts"])

    async def edit(self, channel: str, ts: str, text: str) -> None:
        await self._do("edit", channel=channel, ts=ts, text=text)

    async def delete(self, channel: str, ts: str) -> None:
        await self._do("delete", channel=channel, ts=ts)

    async def react(self, user: str, channel: str, ts: str, name: str) -> None:
        """Adds a reaction, or takes it back."""
        await self._do("react", user=user, channel=channel, ts=ts, name=name)

    async def open_home(self, user: str, tab: str = "messages") -> None:
        await self._do("home", user=user, tab=tab)

    async def stop(self, user: str, channel: str, thread_ts: str) -> None:
        """Presses the Stop button that a thread at work shows."""
        await self._do("stop", user=user, channel=channel, thread_ts=thread_ts)

    async def rename_session(self, user: str, channel: str, thread_ts: str, title: str) -> None:
        await self._do("rename_session", user=user, channel=channel, thread_ts=thread_ts, title=title)

    async def event(self, event: dict[str, Any]) -> str:
        """Sends any event at all; returns its event id."""
        return str((await self._do("event", event=event))["events"][0])

    async def command(self, user: str, channel: str, command: str, text: str = "") -> str:
        """Gives a slash command; returns what the person saw."""
        return str((await self._do("command", user=user, channel=channel, command=command, text=text))["seen"])

    async def click(self, user: str, action_id: str, *, value: Any = None, **where: str) -> bool:
        """Presses or chooses something, where `channel` and `ts`, or `view_id`, say; whether it was acknowledged."""
        return bool((await self._do("click", user=user, action_id=action_id, value=value, **where))["acked"])

    async def suggest(self, user: str, action_id: str, query: str, **where: str) -> list[dict[str, Any]]:
        """Types into an external picker; returns the options the app offers."""
        options: list[dict[str, Any]] = (
            await self._do("suggest", user=user, action_id=action_id, query=query, **where)
        )["options"]
        return options

    async def submit(self, user: str, view_id: str, **values: Any) -> dict[str, str]:
        """Submits a form, its values by action id; returns the errors the app put under its blocks."""
        answer = await self._do("submit", user=user, view_id=view_id, values=values)
        assert answer["acked"], "The app did not respond to the form."
        return dict(answer["errors"])

    async def close(self, user: str, view_id: str) -> None:
        await self._do("close", user=user, view_id=view_id)

    async def shortcut(self, user: str, callback_id: str) -> bool:
        return bool((await self._do("shortcut", user=user, callback_id=callback_id))["acked"])

    async def message_action(self, user: str, channel: str, ts: str, callback_id: str) -> bool:
        """A shortcut on a message."""
        answer = await self._do("message_action", user=user, channel=channel, ts=ts, callback_id=callback_id)
        return bool(answer["acked"])

    async def redeliver(self, event_id: str) -> bool:
        """Slack sends an event again although it was acknowledged; whether the app acknowledged it again."""
        return bool((await self._do("redeliver", event_id=event_id))["acked"])

    async def redeliver_message(self, ts: str) -> bool:
        """The same for everything that told of a message."""
        return bool((await self._do("redeliver_message", ts=ts))["acked"])

    async def give_up(self) -> None:
        """Slack lets go of whatever is on its way to the app."""
        await self._do("give_up")

    async def disconnect(self, reason: str = "refresh_requested") -> None:
        """Also `warning`, `link_disabled`, `too_many_websockets`; `drop` closes without a word.

        `half_open` and `deaf` leave the sockets as they are, and nothing comes on them any more.
        """
        await self._do("disconnect", reason=reason)

    async def http(self, url: str, secret: str = "", *, age: float = 0, verify: bool = False) -> bool | None:
        """Delivers to a request URL instead, signed `age` seconds ago; whether it answered the challenge."""
        verified: bool | None = (await self._do("http", url=url, secret=secret, age=age, verify=verify))["verified"]
        return verified

    async def app(self, **granted: Any) -> None:
        """`scopes`, `events`, `commands`, `agent`: what is not said is as the manifest has it."""
        await self._do("app", **granted)

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


def wiring(simulator: Mapping[str, Any]) -> dict[str, str]:
    """The settings of a program that is to live there, from what the simulator told of itself."""
    return {
        "SLACK_BOT_TOKEN": simulator["bot_token"],
        "SLACK_APP_TOKEN": simulator["app_token"],
        "SLACK_API_BASE_URL": simulator["api"],
    }
