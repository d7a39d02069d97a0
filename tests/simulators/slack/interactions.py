"""The payloads of buttons, forms, pickers and shortcuts, from what a person did. Pure."""

import time
from typing import Any

from tests.simulators.slack.records import Channel, Message, User, View, Whisper
from tests.simulators.slack.world import APP, BOT, TEAM

Payload = dict[str, Any]


def _base(kind: str, user: User) -> Payload:
    return {
        "type": kind,
        "user": {"id": user.id, "username": user.name, "name": user.name, "team_id": TEAM},
        "api_app_id": APP,
        "token": "verification",
        "team": {"id": TEAM, "domain": "threadline-sim"},
        "enterprise": None,
        "is_enterprise_install": False,
    }


def place(channel: Channel) -> Payload:
    return {"id": channel.id, "name": "directmessage" if channel.kind == "im" else channel.name}


def in_message(channel: Channel, message: Message | Whisper, shown: Payload) -> Payload:
    """Where a click in a message happened."""
    is_ephemeral = isinstance(message, Whisper)
    container: Payload = {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": channel.id,
        "is_ephemeral": is_ephemeral,
    }
    if message.thread_ts is not None:
        container["thread_ts"] = message.thread_ts
    told = {} if is_ephemeral else {"message": shown}
    return {"container": container, "channel": place(channel), "state": {"values": {}}, **told}


def in_view(view: View) -> Payload:
    """Where a click in a form or in App Home happened."""
    return {"container": {"type": "view", "view_id": view.id}, "view": as_view(view)}


def block_actions(user: User, trigger: str, action: Payload, where: Payload, response_url: str) -> Payload:
    url = {"response_url": response_url} if response_url else {}
    return {**_base("block_actions", user), "trigger_id": trigger, **url, **where, "actions": [action]}


def block_suggestion(user: User, block_id: str, action_id: str, query: str, where: Payload) -> Payload:
    told = {"action_id": action_id, "block_id": block_id, "value": query}
    return {**_base("block_suggestion", user), **told, **where}


def view_submission(user: User, trigger: str, view: View, values: Payload) -> Payload:
    shown = as_view(view) | {"state": {"values": values}}
    return {**_base("view_submission", user), "trigger_id": trigger, "view": shown, "response_urls": []}


def view_closed(user: User, view: View) -> Payload:
    return {**_base("view_closed", user), "view": as_view(view), "is_cleared": False}


def shortcut(user: User, trigger: str, callback_id: str) -> Payload:
    return {
        **_base("shortcut", user),
        "callback_id": callback_id,
        "trigger_id": trigger,
        "action_ts": f"{time.time():.6f}",
    }


def message_action(
    user: User, trigger: str, callback_id: str, channel: Channel, shown: Payload, response_url: str
) -> Payload:
    return {
        **shortcut(user, trigger, callback_id),
        "type": "message_action",
        "response_url": response_url,
        "message_ts": shown["ts"],
        "channel": place(channel),
        "message": shown,
    }


def as_view(view: View) -> Payload:
    """A view as the Web API and interactions show it."""
    return {
        "private_metadata": "",
        "callback_id": "",
        "external_id": "",
        "state": {"values": {}},
        **view.view,
        "id": view.id,
        "team_id": TEAM,
        "hash": view.hash,
        "root_view_id": view.root or view.id,
        "previous_view_id": view.previous or None,
        "app_id": APP,
        "bot_id": BOT["bot_id"],
    }


def action(block: Payload, element: Payload, value: Any) -> Payload:
    """What a person did to an element: pressed it, or chose `value` (an option, a list of them, or a text)."""
    told = {"type": element["type"], "action_id": element["action_id"], "block_id": block["block_id"]}
    return {**told, **chosen(element, value), "action_ts": f"{time.time():.6f}"}


def chosen(element: Payload, value: Any) -> Payload:
    """The value of an element, under the names Slack gives it for its type."""
    kind = element["type"]
    if kind in {"button", "icon_button"}:
        return {name: element[name] for name in ("value", "text", "style") if name in element}
    if kind == "feedback_buttons":
        return {"value": value}
    if kind in {"checkboxes"} or kind.startswith("multi_"):
        return {"selected_options": [_option(element, one) for one in value or []]}
    if kind.endswith("_select") or kind in {"overflow", "radio_buttons"}:
        return _selected(element, value)
    return {"value": value}


def _selected(element: Payload, value: Any) -> Payload:
    named = {"users_select": "selected_user", "channels_select": "selected_channel"}
    named |= {"conversations_select": "selected_conversation"}
    if element["type"] in named:
        return {named[element["type"]]: value}
    return {"selected_option": None if value is None else _option(element, value)}


def _option(element: Payload, value: Any) -> Payload:
    """The option meant: given whole (from an external picker), or by its value."""
    if isinstance(value, dict):
        return value
    groups = [group["options"] for group in element.get("option_groups", [])]
    for option in [*element.get("options", []), *(option for group in groups for option in group)]:
        if option["value"] == value:
            return dict(option)
    raise LookupError(f"There is no option {value!r} in {element['action_id']}.")
