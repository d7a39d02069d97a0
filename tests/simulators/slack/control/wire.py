"""What happens on the wire: events as given, redeliveries, disconnects, and the settings of it all."""

from aiohttp import web

from tests.simulators.common.control import Order, posts
from tests.simulators.slack.app import App
from tests.simulators.slack.site import Site


class Wire:
    def __init__(self, site: Site) -> None:
        self._site = site
        self._world = site.world

    def routes(self) -> list[web.RouteDef]:
        return posts(
            {
                "event": self._event,
                "redeliver": self._redeliver,
                "redeliver_message": self._redeliver_message,
                "give_up": self._give_up,
                "disconnect": self._disconnect,
                "http": self._http,
                "settings": self._settings,
                "app": self._app,
            }
        )

    async def _event(self, order: Order) -> Order:
        """Any event at all, as given, subscribed to or not."""
        return {"events": [await self._site.deliveries.send_event(order["event"])]}

    async def _redeliver(self, order: Order) -> Order:
        return {"acked": await self._site.deliveries.redeliver(order["event_id"])}

    async def _redeliver_message(self, order: Order) -> Order:
        return {"acked": await self._site.deliveries.redeliver_message(order["ts"])}

    async def _give_up(self, _: Order) -> Order:
        self._site.deliveries.give_up()
        await self._world.changed()
        return {}

    async def _disconnect(self, order: Order) -> Order:
        await self._site.sockets.disconnect(order.get("reason", "refresh_requested"))
        return {}

    async def _http(self, order: Order) -> Order:
        """Delivers to a request URL from now on, or with an empty one to the sockets again."""
        http = self._site.http
        http.url, http.secret, http.age = order["url"], order.get("secret", ""), float(order.get("age", 0))
        return {"verified": await http.verify() if order.get("verify") else None}

    async def _settings(self, order: Order) -> Order:
        """See `Terms`; `limits` enforces rate limits, `socket_mode` allows sockets, `archived` names channels.

        `expired_tickets` is how many of the next sockets are refused for a ticket that has expired.
        """
        terms = self._site.deliveries.terms
        for name in ("ack_timeout", "lose_acks", "hourly", "message_first"):
            setattr(terms, name, order.get(name, getattr(terms, name)))
        terms.retry_delays = tuple(order.get("retry_delays", terms.retry_delays))
        self._site.triggers.life = order.get("trigger_life", self._site.triggers.life)
        self._site.limits.enabled = order.get("limits", self._site.limits.enabled)
        self._site.sockets.enabled = order.get("socket_mode", self._site.sockets.enabled)
        self._site.sockets.expired_tickets = order.get("expired_tickets", self._site.sockets.expired_tickets)
        for name, archived in order.get("archived", {}).items():
            self._world.channels[name].archived = archived
        await self._world.changed()
        return {}

    async def _app(self, order: Order) -> Order:
        """What the workspace grants the app; what is not said is as in the manifest."""
        app = App.of_manifest()
        app.scopes = set(order.get("scopes", app.scopes))
        app.events = set(order.get("events", app.events))
        app.commands = {name: {"command": name} for name in order["commands"]} if "commands" in order else app.commands
        app.agent = order.get("agent", app.agent)
        self._world.app = app
        await self._world.changed()
        return {}
