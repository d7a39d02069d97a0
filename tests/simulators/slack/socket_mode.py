"""Socket Mode: hello, envelopes, acknowledgements, retries of what was not acknowledged, disconnects."""

import asyncio
import contextlib
import secrets
from typing import Any

from aiohttp import WSMsgType, web

from tests.simulators.slack.events import envelope
from tests.simulators.slack.records import Delivery
from tests.simulators.slack.world import APP, World


class SocketMode:
    """The app's open sockets, and what is on its way to them.

    Slack waits `ack_timeout` seconds for an acknowledgement, then sends again after each of `retry_delays`.
    """

    def __init__(
        self, world: World, *, ack_timeout: float = 3.0, retry_delays: tuple[float, ...] = (0.1, 60, 300)
    ) -> None:
        self.ack_timeout = ack_timeout
        self.retry_delays = retry_delays
        self.address = ""
        self._world = world
        self._tickets: set[str] = set()
        self._sockets: list[web.WebSocketResponse] = []
        self._turn = 0
        self._waiting: dict[str, asyncio.Future[dict[str, Any] | None]] = {}
        self._events: dict[str, dict[str, Any]] = {}
        self._carriers: set[asyncio.Task[None]] = set()

    def ticket(self) -> str:
        """A single-use ticket for one socket."""
        ticket = secrets.token_hex(8)
        self._tickets.add(ticket)
        return ticket

    async def connect(self, request: web.Request) -> web.StreamResponse:
        """One socket of the app, for as long as it lives. aiohttp answers its pings with the same data."""
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            return web.json_response({"ok": False, "error": "invalid_ticket"}, status=401)
        self._tickets.discard(ticket)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self._sockets.append(socket)
        await socket.send_json(self._hello())
        await self._count()
        try:
            await self._listen(socket)
        finally:
            self._sockets.remove(socket)
            await self._count()
        return socket

    def _hello(self) -> dict[str, Any]:
        return {
            "type": "hello",
            "num_connections": len(self._sockets),
            "debug_info": {"host": "applink", "build_number": 1, "approximate_connection_time": 18060},
            "connection_info": {"app_id": APP},
        }

    async def _count(self) -> None:
        self._world.sockets = len(self._sockets)
        await self._world.changed()

    async def _listen(self, socket: web.WebSocketResponse) -> None:
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                await self._take_ack(message.json())

    async def _take_ack(self, ack: dict[str, Any]) -> None:
        waiting = self._waiting.get(ack.get("envelope_id", ""))
        if waiting is None:
            await self._world.fail(f"The app acknowledged an envelope that was never sent: {ack}")
        elif not waiting.done():
            waiting.set_result(ack.get("payload"))

    async def send_event(self, event: dict[str, Any]) -> str:
        """Starts an event on its way; returns its event id."""
        event_id = self._world.new_id("Ev")
        delivery = Delivery("", "events_api", event["type"], event.get("ts", event["event_ts"]), event_id)
        self._world.deliveries[event_id] = delivery
        self._events[event_id] = envelope(event, event_id)
        carrier = asyncio.create_task(self._carry(delivery, self._events[event_id]))
        self._carriers.add(carrier)
        carrier.add_done_callback(self._carriers.discard)
        return event_id

    async def send_command(self, payload: dict[str, Any]) -> Delivery:
        """Sends a slash command, once; returns when it was acknowledged or the time was up."""
        delivery = Delivery("", "slash_commands", payload["command"], "", payload["trigger_id"])
        self._world.deliveries[delivery.event_id] = delivery
        if not await self._attempt(delivery, payload):
            delivery.gave_up = True
            await self._world.changed()
        return delivery

    async def redeliver(self, event_id: str) -> bool:
        """Sends an event again although it was acknowledged, as after a lost ack; whether it was acked now."""
        return await self._attempt(self._world.deliveries[event_id], self._events[event_id])

    async def _carry(self, delivery: Delivery, payload: dict[str, Any]) -> None:
        for delay in (0.0, *self.retry_delays):
            await asyncio.sleep(delay)
            if await self._attempt(delivery, payload):
                return
        delivery.gave_up = True
        await self._world.changed()

    async def _attempt(self, delivery: Delivery, payload: dict[str, Any]) -> bool:
        """Sends it to one of the sockets; whether it was acknowledged in time."""
        socket = self._next_socket()
        if socket is None:
            return False
        retry = len(delivery.attempts)
        delivery.envelope_id = secrets.token_hex(8)
        delivery.attempts.append(self._world.clock.now())
        waiting = asyncio.get_running_loop().create_future()
        self._waiting[delivery.envelope_id] = waiting
        with contextlib.suppress(ConnectionError):
            await socket.send_json(self._wrap(delivery, payload, retry))
        await self._world.changed()
        return await self._acknowledged(delivery, waiting)

    async def _acknowledged(self, delivery: Delivery, waiting: "asyncio.Future[dict[str, Any] | None]") -> bool:
        try:
            async with asyncio.timeout(self.ack_timeout):
                delivery.ack = await waiting
        except TimeoutError:
            return False
        delivery.acked_at = self._world.clock.now()
        await self._world.changed()
        return True

    def _wrap(self, delivery: Delivery, payload: dict[str, Any], retry: int) -> dict[str, Any]:
        is_event = delivery.type == "events_api"
        wrapped = {
            "envelope_id": delivery.envelope_id,
            "type": delivery.type,
            "payload": payload,
            "accepts_response_payload": not is_event,
        }
        if is_event:
            wrapped |= {"retry_attempt": retry, "retry_reason": "timeout" if retry else ""}
        return wrapped

    def _next_socket(self) -> web.WebSocketResponse | None:
        """Each payload goes to one of the open sockets, in turn."""
        open_sockets = [socket for socket in self._sockets if not socket.closed]
        self._turn += 1
        return open_sockets[self._turn % len(open_sockets)] if open_sockets else None

    async def disconnect(self, reason: str) -> None:
        """Asks every socket to reconnect; `drop` closes them without a word."""
        for socket in list(self._sockets):
            if reason == "drop":
                await socket.close()
            else:
                await socket.send_json({"type": "disconnect", "reason": reason, "debug_info": {"host": "applink"}})

    async def close(self) -> None:
        for carrier in list(self._carriers):
            carrier.cancel()
        for socket in list(self._sockets):
            await socket.close()
