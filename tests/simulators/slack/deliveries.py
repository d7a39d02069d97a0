"""Payloads on their way to the app: to one of its sockets or to its request URL, and again until acknowledged."""

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Any, Literal

from tests.simulators.slack import events
from tests.simulators.slack.http_mode import HttpMode
from tests.simulators.slack.parcel import Parcel
from tests.simulators.slack.records import Delivery
from tests.simulators.slack.socket_mode import SocketMode
from tests.simulators.slack.world import World

HOUR = 3600.0


@dataclass
class Terms:
    """How Slack delivers: the time to acknowledge in, the waits before each retry, in seconds of its clock.

    `lose_acks` acknowledgements are lost on their way; over `hourly` events the rest of an hour is not told of.
    """

    ack_timeout: float = 3.0
    retry_delays: tuple[float, ...] = (0.1, 60, 300)
    lose_acks: int = 0
    hourly: int = 30_000
    message_first: bool = False


class Deliveries:
    """Slack's side of the Events API, of commands and of interactivity."""

    def __init__(self, world: World, sockets: SocketMode, http: HttpMode) -> None:
        self.terms = Terms()
        self._world = world
        self._sockets = sockets
        self._http = http
        self._events: dict[str, dict[str, Any]] = {}
        self._sent: deque[float] = deque()
        self._carriers: set[asyncio.Task[None]] = set()

    async def tell(self, *happened: dict[str, Any]) -> list[str]:
        """Starts what the app subscribed to on its way; returns the event ids."""
        heard = [event for event in happened if self._world.app.hears_of(event)]
        if self.terms.message_first:
            heard.reverse()
        return [event_id for event in heard if (event_id := await self.send_event(event))]

    async def send_event(self, event: dict[str, Any]) -> str:
        """Starts one event on its way, subscribed to or not; returns its event id, empty over the limit."""
        if self._is_over_the_limit():
            await self._say_so()
            return ""
        event_id = self._world.new_id("Ev")
        self._events[event_id] = events.envelope(event, event_id)
        delivery = Delivery("", "events_api", event["type"], event.get("ts", event.get("event_ts", "")), event_id)
        self._carry_later(delivery, self._events[event_id])
        return event_id

    def _carry_later(self, delivery: Delivery, payload: dict[str, Any]) -> None:
        self._world.deliveries[delivery.event_id] = delivery
        carrier = asyncio.create_task(self._carry(delivery, payload))
        self._carriers.add(carrier)
        carrier.add_done_callback(self._carriers.discard)

    def _is_over_the_limit(self) -> bool:
        now = self._world.now()
        while self._sent and self._sent[0] <= now - HOUR:
            self._sent.popleft()
        if len(self._sent) >= self.terms.hourly:
            return True
        self._sent.append(now)
        return False

    async def _say_so(self) -> None:
        """app_rate_limited, once a minute at most."""
        payload = events.rate_limited()
        name = f"limited-{payload['minute_rate_limited']}"
        if name not in self._world.deliveries:
            self._carry_later(Delivery("", "events_api", "app_rate_limited", "", name), payload)

    async def ask(self, kind: Literal["slash_commands", "interactive"], name: str, payload: dict[str, Any]) -> Delivery:
        """Sends a command or an interaction, once; returns when it was acknowledged or the time was up."""
        delivery = Delivery("", kind, name, "", payload.get("trigger_id") or self._world.new_id("In"))
        self._world.deliveries[delivery.event_id] = delivery
        parcel = await self._attempt(delivery, payload)
        delivery.gave_up = bool(parcel.reason)
        await self._world.changed()
        return delivery

    async def redeliver(self, event_id: str) -> bool:
        """Sends an event again although it was acknowledged, as after a lost ack; whether it was acked now."""
        parcel = await self._attempt(self._world.deliveries[event_id], self._events[event_id])
        await self._world.changed()
        return not parcel.reason

    async def redeliver_message(self, ts: str) -> bool:
        """The same for every event that told of a message."""
        told = [delivery.event_id for delivery in self._world.deliveries.values() if delivery.ts == ts]
        return all([await self.redeliver(event_id) for event_id in told])

    async def _carry(self, delivery: Delivery, payload: dict[str, Any]) -> None:
        while (parcel := await self._attempt(delivery, payload)).reason:
            tried, delays = len(delivery.reasons), self.terms.retry_delays
            delivery.gave_up = parcel.is_last or tried > len(delays)
            if not delivery.gave_up:
                delivery.due = self._world.now() + delays[tried - 1]
            await self._world.changed()
            if delivery.gave_up:
                return
            await self._world.clock.sleep_until(delivery.due)
        await self._world.changed()

    async def _attempt(self, delivery: Delivery, payload: dict[str, Any]) -> Parcel:
        """Sends it once."""
        way = self._http if self._http.url else self._sockets
        parcel = await way.send(delivery, payload, self.terms.ack_timeout)
        if not parcel.reason and self.terms.lose_acks and delivery.type == "events_api":
            self.terms.lose_acks -= 1
            parcel.reason = parcel.lost
        if parcel.reason:
            delivery.reasons.append(parcel.reason)
        else:
            delivery.ack, delivery.acked_at = parcel.ack, self._world.now()
        return parcel

    def give_up(self) -> None:
        """Lets go of whatever is on its way."""
        for carrier in list(self._carriers):
            carrier.cancel()
        for delivery in self._world.deliveries.values():
            delivery.gave_up = delivery.gave_up or delivery.acked_at is None

    async def close(self) -> None:
        self.give_up()
        await self._http.close()
        await self._sockets.close()
