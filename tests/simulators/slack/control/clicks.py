"""What people press: commands, buttons, pickers, forms, shortcuts; and what the app's acknowledgement does to them."""

from typing import Any

from aiohttp import web

from tests.simulators.common.control import Order, posts
from tests.simulators.slack import blocks, events, interactions
from tests.simulators.slack.methods import views
from tests.simulators.slack.methods.base import as_json
from tests.simulators.slack.records import Message, View, Whisper
from tests.simulators.slack.site import Site


class Clicks:
    def __init__(self, site: Site) -> None:
        self._site = site
        self._world = site.world

    def routes(self) -> list[web.RouteDef]:
        return posts(
            {
                "command": self._command,
                "click": self._click,
                "suggest": self._suggest,
                "submit": self._submit,
                "close": self._close,
                "shortcut": self._shortcut,
                "message_action": self._message_action,
            }
        )

    async def _command(self, order: Order) -> Order:
        """A slash command; answers with what the person saw, or that the app did not respond in three seconds."""
        user, channel, command = (
            self._world.users[order["user"]],
            self._world.channels[order["channel"]],
            order["command"],
        )
        if command not in self._world.app.commands:
            return {"seen": f"{command} is not a valid command.", "response_url": ""}
        url, text = self._site.response_urls.new(channel.id, user.id), order.get("text", "")
        if self._world.app.commands[command].get("should_escape"):
            text = self._world.as_typed(text)
        payload = events.of_command(user, channel, command, text, self._site.triggers.new(user.id), url)
        delivery = await self._site.deliveries.ask("slash_commands", command, payload)
        failed = {"text": f"{command} failed because the app did not respond"}
        said = failed if delivery.gave_up else delivery.ack or {}
        await self._site.response_urls.show(channel.id, user.id, said)
        return {"seen": str(said.get("text") or ""), "response_url": url}

    async def _click(self, order: Order) -> Order:
        """Presses or chooses something in a message, an ephemeral message, a form or App Home."""
        user, where = self._world.users[order["user"]], self._where(order)
        block, element = blocks.find(_blocks(where), order["action_id"])
        action = interactions.action(block, element, order.get("value"))
        trigger, url = self._site.triggers.new(user.id), self._url(user.id, where)
        payload = interactions.block_actions(user, trigger, action, self._at(where), url)
        delivery = await self._site.deliveries.ask("interactive", order["action_id"], payload)
        return {"acked": not delivery.gave_up, "response_url": url}

    async def _suggest(self, order: Order) -> Order:
        """Types into an external picker; answers with the options the app offers."""
        user, where = self._world.users[order["user"]], self._where(order)
        block, element = blocks.find(_blocks(where), order["action_id"])
        if len(order["query"]) < element.get("min_query_length", 3):
            return {"options": []}
        payload = interactions.block_suggestion(
            user, block["block_id"], element["action_id"], order["query"], self._at(where)
        )
        delivery = await self._site.deliveries.ask("interactive", order["action_id"], payload)
        ack = delivery.ack or {}
        groups = [group["options"] for group in ack.get("option_groups", [])]
        return {"options": [*ack.get("options", []), *(option for group in groups for option in group)]}

    def _where(self, order: Order) -> Message | Whisper | View:
        if "view_id" in order:
            return self._world.views[order["view_id"]]
        whispers = (one for one in self._world.whispers if one.ts == order["ts"] and not one.gone)
        return next(whispers, None) or self._world.messages[order["channel"], order["ts"]]

    def _at(self, where: Message | Whisper | View) -> dict[str, Any]:
        if isinstance(where, View):
            return interactions.in_view(where)
        shown = as_json(where) if isinstance(where, Message) else {}
        return interactions.in_message(self._world.channels[where.channel], where, shown)

    def _url(self, user: str, where: Message | Whisper | View) -> str:
        if isinstance(where, View):
            return ""
        return self._site.response_urls.new(where.channel, user, ts=where.ts, thread_ts=where.thread_ts)

    async def _submit(self, order: Order) -> Order:
        """Submits a form with `values` by action id."""
        user, view = self._world.users[order["user"]], self._world.views[order["view_id"]]
        values = _values(view, order.get("values", {}))
        payload = interactions.view_submission(user, self._site.triggers.new(user.id), view, values)
        delivery = await self._site.deliveries.ask("interactive", view.view.get("callback_id", ""), payload)
        if not delivery.gave_up:
            self._answered(view, delivery.ack or {})
        await self._world.changed()
        return {"acked": not delivery.gave_up, "errors": view.errors}

    def _answered(self, view: View, ack: dict[str, Any]) -> None:
        """What an app may do with a submission: complain, change the form, put another upon it, close it or all."""
        action, view.errors = ack.get("response_action"), {}
        if action == "errors":
            view.errors = ack["errors"]
        elif action == "update":
            views.change(view, views.checked(ack["view"], "modal"))
        elif action == "push":
            views.add(self._world, view.user, views.checked(ack["view"], "modal"), upon=view)
        elif action == "clear":
            for other in views.open_views(self._world, view.user):
                other.closed = True
        else:
            view.closed = True

    async def _close(self, order: Order) -> Order:
        user, view = self._world.users[order["user"]], self._world.views[order["view_id"]]
        view.closed = True
        await self._world.changed()
        if view.view.get("notify_on_close"):
            name = view.view.get("callback_id", "")
            await self._site.deliveries.ask("interactive", name, interactions.view_closed(user, view))
        return {}

    async def _shortcut(self, order: Order) -> Order:
        user = self._world.users[order["user"]]
        payload = interactions.shortcut(user, self._site.triggers.new(user.id), order["callback_id"])
        delivery = await self._site.deliveries.ask("interactive", order["callback_id"], payload)
        return {"acked": not delivery.gave_up}

    async def _message_action(self, order: Order) -> Order:
        """A shortcut on a message; works where the app is not, too."""
        user, message = self._world.users[order["user"]], self._world.messages[order["channel"], order["ts"]]
        trigger, channel = self._site.triggers.new(user.id), self._world.channels[message.channel]
        url = self._url(user.id, message)
        payload = interactions.message_action(user, trigger, order["callback_id"], channel, as_json(message), url)
        delivery = await self._site.deliveries.ask("interactive", order["callback_id"], payload)
        return {"acked": not delivery.gave_up}


def _blocks(where: Message | Whisper | View) -> list[dict[str, Any]]:
    return list(where.view["blocks"]) if isinstance(where, View) else where.blocks


def _values(view: View, given: dict[str, Any]) -> dict[str, Any]:
    """`state.values`. Raises `LookupError` where a person could not submit: something required is empty."""
    values: dict[str, Any] = {}
    for block in view.view["blocks"]:
        if block["type"] != "input":
            continue
        element = block["element"]
        value = given.get(element["action_id"], _initial(element))
        if value in (None, "", []) and not block.get("optional"):
            raise LookupError(f"{element['action_id']} must be filled in.")
        filled = {"type": element["type"], **interactions.chosen(element, value)}
        values[block["block_id"]] = {element["action_id"]: filled}
    return values


def _initial(element: dict[str, Any]) -> Any:
    names = ("initial_value", "initial_option", "initial_options")
    return next((element[name] for name in names if name in element), None)
