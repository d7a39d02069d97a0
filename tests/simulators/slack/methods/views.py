"""views.*: forms and App Home."""

import json
import secrets
from typing import Any

from tests.simulators.slack import interactions
from tests.simulators.slack.blocks import VIEW_LIMIT
from tests.simulators.slack.methods.base import Context, Method, SlackError, accepted, invalid
from tests.simulators.slack.records import View
from tests.simulators.slack.triggers import TriggerError
from tests.simulators.slack.world import World

TITLE_LIMIT = 24
SIZE_LIMIT = 250_000
METADATA_LIMIT = 3_000
DEPTH = 3


async def _open(context: Context) -> dict[str, Any]:
    view = checked(context.arguments.get("view"), "modal")
    return _answer(add(context.world, _pulled_by(context), view))


async def _push(context: Context) -> dict[str, Any]:
    """Upon the form that the trigger's person has open."""
    view = checked(context.arguments.get("view"), "modal")
    user = _pulled_by(context)
    stack = open_views(context.world, user)
    if not stack:
        raise SlackError("not_found")
    if len(stack) >= DEPTH:
        raise SlackError("push_limit_reached")
    return _answer(add(context.world, user, view, upon=stack[-1]))


def _pulled_by(context: Context) -> str:
    try:
        return context.site.triggers.use(context.required("trigger_id"))
    except TriggerError as error:
        raise SlackError(str(error)) from None


async def _update(context: Context) -> dict[str, Any]:
    view, content = (
        context.world.views.get(context.required("view_id")),
        checked(context.arguments.get("view"), "modal"),
    )
    if view is None or view.closed:
        raise SlackError("not_found")
    given = context.arguments.get("hash")
    if given and given != view.hash:
        raise SlackError("hash_conflict")
    change(view, content)
    return _answer(view)


async def _publish(context: Context) -> dict[str, Any]:
    """App Home of one person."""
    user, content = context.required("user_id"), checked(context.arguments.get("view"), "home")
    if user not in context.world.users:
        raise SlackError("user_not_found")
    mine = (view for view in context.world.views.values() if view.type == "home" and view.user == user)
    view = next(mine, None)
    if view is None:
        view = add(context.world, user, content)
        view.type = "home"
    else:
        change(view, content)
    return _answer(view)


def checked(view: Any, kind: str) -> dict[str, Any]:
    """The view with its blocks' ids, or why Slack refuses it."""
    if not isinstance(view, dict) or view.get("type") != kind:
        raise invalid(f"view is not a {kind}")
    if len(json.dumps(view)) > SIZE_LIMIT:
        raise SlackError("view_too_large")
    if len(view.get("private_metadata") or "") > METADATA_LIMIT:
        raise invalid("private_metadata is longer than 3,000 characters")
    for name in ("title", "submit", "close"):
        if kind == "modal" and len((view.get(name) or {}).get("text", "")) > TITLE_LIMIT:
            raise invalid(f"{name} is longer than 24 characters")
    blocks = accepted(view.get("blocks"), VIEW_LIMIT, error="invalid_arguments")
    if kind == "modal" and not view.get("submit") and any(block["type"] == "input" for block in blocks):
        raise invalid("submit is required when an input block is there")
    return view | {"blocks": blocks}


def add(world: World, user: str, content: dict[str, Any], *, upon: View | None = None) -> View:
    root, previous = (upon.root or upon.id, upon.id) if upon else ("", "")
    view = View(world.new_id("V"), user, content, _hash(), root=root, previous=previous)
    world.views[view.id] = view
    return view


def change(view: View, content: dict[str, Any]) -> None:
    view.view, view.hash, view.errors = content, _hash(), {}


def open_views(world: World, user: str) -> list[View]:
    """A person's forms, the topmost last."""
    return [view for view in world.views.values() if view.user == user and view.type == "modal" and not view.closed]


def _hash() -> str:
    return secrets.token_hex(8)


def _answer(view: View) -> dict[str, Any]:
    return {"view": interactions.as_view(view)}


METHODS = {
    "views.open": Method(_open, tier=4),
    "views.push": Method(_push, tier=4),
    "views.update": Method(_update, tier=4),
    "views.publish": Method(_publish, tier=4),
}
