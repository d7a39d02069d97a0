"""What every Web API method stands on: its arguments, its refusals, the workspace it changes."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from tests.simulators.slack import blocks
from tests.simulators.slack.records import Channel, Message
from tests.simulators.slack.site import Site
from tests.simulators.slack.world import APP, BOT, TEAM, World

MARKDOWN_LIMIT = 12_000
TEXT_LIMIT = 40_000
UPDATE_TEXT_LIMIT = 4_000
_HISTORY = {"channel": "channels:history", "group": "groups:history", "im": "im:history", "mpim": "mpim:history"}
_READ = {"channel": "channels:read", "group": "groups:read", "im": "im:read", "mpim": "mpim:read"}


class SlackError(Exception):
    """A refusal: HTTP 200 with `ok: false`."""

    def __init__(self, code: str, **more: Any) -> None:
        super().__init__(code)
        self.code = code
        self.more = more


@dataclass(frozen=True)
class Context:
    """One call: where, and with what arguments."""

    site: Site
    arguments: dict[str, Any]

    @property
    def world(self) -> World:
        return self.site.world

    def required(self, name: str) -> str:
        value = self.arguments.get(name)
        if not value:
            raise invalid(f"missing field: {name}")
        return str(value)

    def flag(self, name: str) -> bool:
        return str(self.arguments.get(name, "0")) in {"1", "true", "True"}

    def channel(self, name: str = "channel") -> Channel:
        channel = self.world.channels.get(self.required(name))
        if channel is None:
            raise SlackError("channel_not_found")
        if channel.archived:
            raise SlackError("is_archived")
        return channel

    def joined(self, name: str = "channel") -> Channel:
        """A place the app may write to."""
        channel = self.channel(name)
        if not channel.has_bot:
            raise SlackError("not_in_channel")
        return channel

    def thread(self, channel: Channel) -> str | None:
        thread = self.arguments.get("thread_ts")
        if thread and (channel.id, thread) not in self.world.messages:
            raise SlackError("thread_not_found")
        return str(thread) if thread else None

    def message(self, channel: Channel, name: str = "ts") -> Message:
        message = self.world.messages.get((channel.id, self.required(name)))
        if message is None or message.deleted:
            raise SlackError("message_not_found")
        return message

    def blocks(self) -> list[dict[str, Any]]:
        return accepted(self.arguments.get("blocks") or [])

    def may_read(self, channel: Channel, *, history: bool) -> None:
        self.scope((_HISTORY if history else _READ)[channel.kind])

    def scope(self, scope: str) -> None:
        scopes = self.world.app.scopes
        if scope and scope not in scopes:
            raise SlackError("missing_scope", needed=scope, provided=",".join(sorted(scopes)))


@dataclass(frozen=True)
class Method:
    """`scope` is what the bot token needs; `tier` how often it may be called, 0 as often as one likes."""

    run: Callable[[Context], Awaitable[dict[str, Any]]]
    scope: str = ""
    tier: int = 0


def invalid(sentence: str) -> SlackError:
    return SlackError("invalid_arguments", response_metadata={"messages": [f"[ERROR] {sentence}"]})


def accepted(given: Any, limit: int = blocks.MESSAGE_LIMIT, *, error: str = "invalid_blocks") -> list[dict[str, Any]]:
    try:
        return blocks.accepted(given, limit)
    except blocks.BlocksError as wrong:
        raise SlackError(error, response_metadata={"messages": [f"[ERROR] {wrong}"]}) from None


def text(arguments: dict[str, Any], limit: int) -> str:
    """The text to show, within Slack's limits. `markdown_text` excludes `text` and `blocks`."""
    markdown, plain, shown = (arguments.get(name) for name in ("markdown_text", "text", "blocks"))
    if markdown and (plain or shown):
        raise SlackError("markdown_text_conflict")
    if not (markdown or plain or shown):
        raise SlackError("no_text")
    if (markdown and len(markdown) > MARKDOWN_LIMIT) or (plain and len(plain) > limit):
        raise SlackError("msg_too_long")
    return str(markdown or plain or "")


def metadata(arguments: dict[str, Any]) -> dict[str, Any] | None:
    given = arguments.get("metadata")
    if not given:
        return None
    if not isinstance(given, dict) or not {"event_type", "event_payload"} <= given.keys():
        raise SlackError("invalid_metadata_format")
    return given


def as_json(message: Message, *, with_metadata: bool = False) -> dict[str, Any]:
    """A message as the Web API shows it. Metadata only where it was asked for."""
    shown: dict[str, Any] = {
        "type": "message",
        "user": message.user,
        "text": message.text,
        "ts": message.ts,
        "team": TEAM,
    }
    if message.thread_ts is not None:
        shown["thread_ts"] = message.thread_ts
    if message.bot_id is not None:
        shown |= {"bot_id": message.bot_id, "app_id": APP}
    if message.edited:
        shown["edited"] = {"user": message.user, "ts": message.ts}
    if message.reactions:
        reactions = message.reactions.items()
        shown["reactions"] = [{"name": name, "users": users, "count": len(users)} for name, users in reactions]
    shown |= {name: value for name, value in (("blocks", message.blocks), ("files", message.files)) if value}
    if with_metadata and message.metadata is not None:
        shown["metadata"] = message.metadata
    return shown


def own(message: Message, refusal: str) -> None:
    """Only the app's own messages may be changed."""
    if message.bot_id != BOT["bot_id"]:
        raise SlackError(refusal)
