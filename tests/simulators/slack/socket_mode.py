"""Socket Mode: tickets, hello, envelopes and their acknowledgements, disconnects."""

import asyncio
import contextlib
import secrets
from typing import Any, Literal, cast

from aiohttp import WSMsgType, web

from tests.simulators.slack.parcel import Parcel
from tests.simulators.slack.records import Delivery
from tests.simulators.slack.world import APP, World

MOST_SOCKETS = 10
# How long a socket lives on after it was told to reconnect.
LINGER = 10.0
Reason = Literal["refresh_requested", "warning", "link_disabled", "too_many_websockets", "drop", "half_open", "deaf"]


class SocketMode:
    """The app's open sockets. Each payload goes to one of them."""

    def __init__(self, world: World) -> None:
        self.address = ""
        self.enabled = True
        # So many of the next tickets have expired when they are used.
        self.expired_tickets = 0
        self._world = world
        self._tickets: set[str] = set()
        self._sockets: list[web.WebSocketResponse] = []
        self._leaving: set[web.WebSocketResponse] = set()
        self._numbers: dict[web.WebSocketResponse, int] = {}
        # Sockets on which nothing comes any more; those that are half open do not even hear.
        self._silent: dict[web.WebSocketResponse, asyncio.Transport | None] = {}
        self._requests: dict[web.WebSocketResponse, web.Request] = {}
        self._turn = 0
        self._waiting: dict[str, asyncio.Future[dict[str, Any] | None]] = {}
        self._closers: set[asyncio.Task[None]] = set()

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
        if self.expired_tickets:
            self.expired_tickets -= 1
            return web.json_response({"ok": False, "error": "invalid_ticket"}, status=401)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        if len(self._sockets) >= MOST_SOCKETS:
            await socket.send_json(_disconnect("too_many_websockets"))
            await socket.close()
            return socket
        self._requests[socket] = request
        await self._keep(socket)
        return socket

    async def _keep(self, socket: web.WebSocketResponse) -> None:
        self._hear_again()
        self._sockets.append(socket)
        self._numbers[socket] = max(self._numbers.values(), default=0) + 1
        await socket.send_json(self._hello())
        await self._count()
        try:
            await self._listen(socket)
        finally:
            self._sockets.remove(socket)
            self._leaving.discard(socket)
            self._silent.pop(socket, None)
            del self._requests[socket]
            await self._count()

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

    async def send(self, delivery: Delivery, payload: dict[str, Any], seconds: float) -> Parcel:
        """Sends it to one of the sockets; returns when it was acknowledged or the time was up."""
        socket = self._next_socket()
        if socket is None:
            return Parcel("no_socket")
        retry, deadline = len(delivery.attempts), self._world.now() + seconds
        delivery.envelope_id = secrets.token_hex(8)
        delivery.attempts.append(self._world.now())
        delivery.sockets.append(self._numbers[socket])
        waiting = asyncio.get_running_loop().create_future()
        self._waiting[delivery.envelope_id] = waiting
        with contextlib.suppress(ConnectionError):
            if socket not in self._silent:
                await socket.send_json(self._wrap(delivery, payload, retry))
        await self._world.changed()
        try:
            return Parcel(ack=await self._world.clock.before(deadline, waiting))
        except TimeoutError:
            return Parcel("timeout")

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
        usable = [socket for socket in self._sockets if not socket.closed and socket not in self._leaving]
        self._turn += 1
        return usable[self._turn % len(usable)] if usable else None

    async def disconnect(self, reason: Reason) -> None:
        """Tells every socket why it will be closed, or closes them without a word.

        A `warning` is only that; with `link_disabled` Socket Mode is off until it is enabled again. On a `deaf` socket
        nothing comes but pongs, on a `half_open` one nothing at all, as where a network lost it.
        """
        if reason == "link_disabled":
            self.enabled = False
        for socket in list(self._sockets):
            if reason == "drop":
                await socket.close()
                continue
            if reason in ("half_open", "deaf"):
                self._silence(socket, hears=reason == "deaf")
                continue
            await socket.send_json(_disconnect(reason))
            if reason != "warning":
                self._leave(socket)

    def _silence(self, socket: web.WebSocketResponse, *, hears: bool) -> None:
        transport = None if hears else cast(asyncio.Transport, self._requests[socket].transport)
        self._silent[socket] = transport
        if transport is not None:
            transport.pause_reading()

    def _hear_again(self) -> None:
        """Somebody connects anew: what the old sockets still have to say, that they are closed, is heard."""
        for transport in self._silent.values():
            if transport is not None and not transport.is_closing():
                transport.resume_reading()

    def _leave(self, socket: web.WebSocketResponse) -> None:
        self._leaving.add(socket)
        closer = asyncio.create_task(self._close_later(socket))
        self._closers.add(closer)
        closer.add_done_callback(self._closers.discard)

    async def _close_later(self, socket: web.WebSocketResponse) -> None:
        await self._world.clock.sleep(LINGER)
        await socket.close()

    async def close(self) -> None:
        self._hear_again()
        for closer in list(self._closers):
            closer.cancel()
        for socket in list(self._sockets):
            await socket.close()


def _disconnect(reason: str) -> dict[str, Any]:
    return {"type": "disconnect", "reason": reason, "debug_info": {"host": "applink"}}
