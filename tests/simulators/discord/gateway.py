"""The gateway's door: sockets come, identify or resume, beat, and are closed."""

import asyncio
import json
from typing import Any

from aiohttp import WSMsgType, web

from tests.simulators.discord import payloads
from tests.simulators.discord.audience import Audience
from tests.simulators.discord.sessions import PRIVILEGED, Session
from tests.simulators.discord.wire import COMPRESSIONS, Wire
from tests.simulators.discord.world import APPLICATION, BOT, GUILD, World

FRAME_LIMIT = 4096
FRAMES_A_MINUTE = 120
# No Discord is nearer. discord.py notes when it sent a heartbeat only after it was sent: what is acknowledged sooner it
# counts from the heartbeat before, and warns that it cannot keep up.
AWAY = 0.05
BEAT, IDENTIFY, PRESENCE, RESUME, RECONNECT, MEMBERS, INVALID, HELLO, ACK = 1, 2, 3, 6, 7, 8, 9, 10, 11


class ClosingError(Exception):
    """The socket must be closed with this code."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(why)
        self.code = code


class Gateway:
    """The app's sockets, and how each of them gets a session."""

    beat_every = 41.25

    def __init__(self, world: World, audience: Audience) -> None:
        self.acknowledges = True
        self._world = world
        self._sessions = audience.sessions
        self._wires: dict[Wire, Session | None] = {}

    async def connect(self, request: web.Request) -> web.StreamResponse:
        """One socket of the app, for as long as it lives."""
        path, compression = request.path.strip("/"), request.query.get("compress", "")
        await self._world.note("connect", path=path, compress=compression, version=request.query.get("v"))
        if request.query.get("v") != "10" or compression not in {"", *COMPRESSIONS}:
            await self._world.fail(f"The gateway was asked for {request.query_string}.")
            raise web.HTTPBadRequest
        fault = await self._world.meet("gateway_connect")
        if fault is not None and fault.status != 200:
            return web.Response(status=fault.status)
        socket = web.WebSocketResponse(max_msg_size=0)
        await socket.prepare(request)
        wire = Wire(socket, request.transport, compression)
        self._wires[wire] = None
        try:
            await self._serve(wire, fault.close if fault is not None else 0)
        finally:
            await self._forget(wire)
        return socket

    async def _serve(self, wire: Wire, close: int) -> None:
        try:
            if close:
                raise ClosingError(close, "closed before a session exists")
            await wire.send(HELLO, {"heartbeat_interval": int(self.beat_every * 1000)})
            await self._listen(wire)
        except ClosingError as closing:
            await self._world.note("closed", code=closing.code, why=str(closing))
            await wire.close(closing.code, message=str(closing))

    async def _forget(self, wire: Wire) -> None:
        session = self._wires.pop(wire, None)
        if session is not None and session.wire is wire:
            session.wire = None
        await self._count()

    async def _count(self) -> None:
        self._world.sockets = len([session for session in self._sessions.values() if session.wire is not None])
        self._world.sessions = len(self._sessions)
        await self._world.changed()

    async def _listen(self, wire: Wire) -> None:
        times: list[float] = []
        async for message in wire.socket:
            if message.type is not WSMsgType.TEXT:
                raise ClosingError(4002, "Error while decoding payload.")
            if len(message.data.encode()) > FRAME_LIMIT:
                raise ClosingError(4002, "Payload too large.")
            times = [*(at for at in times if at > self._world.now() - 60), self._world.now()]
            if len(times) > FRAMES_A_MINUTE:
                raise ClosingError(4008, "Rate limited.")
            await self._take(wire, _frame(message.data))

    async def _take(self, wire: Wire, frame: dict[str, Any]) -> None:
        op, data = frame["op"], frame.get("d")
        if op == BEAT:
            await self._world.note("heartbeat", seen=data)
            await asyncio.sleep(AWAY)
            if self.acknowledges:
                await wire.send(ACK)
        elif op == IDENTIFY:
            await self._identify(wire, data or {})
        elif op == RESUME:
            await self._resume(wire, data or {})
        elif op not in (PRESENCE, MEMBERS):
            raise ClosingError(4001, "Unknown opcode.")
        elif self._wires[wire] is None:
            raise ClosingError(4003, "Not authenticated.")
        elif op == MEMBERS:
            await self._members(wire, data or {})

    async def _identify(self, wire: Wire, data: dict[str, Any]) -> None:
        await self._world.note("identify", **{name: value for name, value in data.items() if name != "token"})
        await self._refuse("gateway_identify")
        if self._wires[wire] is not None:
            raise ClosingError(4005, "Already authenticated.")
        self._check(data)
        session = Session(int(data["intents"]))
        self._sessions[session.id] = session
        await self._attach(wire, session)
        await session.tell("READY", self._ready(session))
        if session.wants("guilds"):
            await session.tell("GUILD_CREATE", payloads.guild(self._world))
        await self._count()

    def _check(self, data: dict[str, Any]) -> None:
        if data.get("token") != self._world.token:
            raise ClosingError(4004, "Authentication failed.")
        if not isinstance(data.get("intents"), int):
            raise ClosingError(4013, "Invalid intent(s).")
        asked = {name for name, bit in PRIVILEGED.items() if data["intents"] & bit}
        if asked - self._world.privileged:
            raise ClosingError(4014, "Disallowed intent(s).")

    def _ready(self, session: Session) -> dict[str, Any]:
        return {
            "v": 10,
            "user": payloads.user(BOT) | {"verified": True, "mfa_enabled": False, "email": None, "flags": 0},
            "guilds": [{"id": GUILD, "unavailable": True}],
            "session_id": session.id,
            "session_type": "normal",
            "resume_gateway_url": f"{self._world.gateway}/resume/",
            "private_channels": [],
            "relationships": [],
            "application": {"id": APPLICATION, "flags": self._world.flags()},
        }

    async def _resume(self, wire: Wire, data: dict[str, Any]) -> None:
        await self._world.note("resume", seq=data.get("seq"), session=data.get("session_id"))
        await self._refuse("gateway_resume")
        if data.get("token") != self._world.token:
            raise ClosingError(4004, "Authentication failed.")
        session = self._sessions.get(str(data.get("session_id")))
        if session is None:
            await wire.send(INVALID, False)
            return
        if data["seq"] > session.number:
            raise ClosingError(4007, "Invalid seq.")
        await self._attach(wire, session)
        await session.replay(data["seq"])
        await session.tell("RESUMED", {"_trace": []})
        await self._count()

    async def _attach(self, wire: Wire, session: Session) -> None:
        before, session.wire = session.wire, wire
        self._wires[wire] = session
        if before is not None:
            await before.close(4000)

    async def _refuse(self, name: str) -> None:
        """A fault here closes the socket; one with a status forgets the session and says so."""
        fault = await self._world.meet(name)
        if fault is not None and fault.close:
            raise ClosingError(fault.close, f"a fault of {name}")

    async def _members(self, wire: Wire, data: dict[str, Any]) -> None:
        people = [payloads.member(one, user=payloads.user(one)) for one in self._world.users.values()]
        chunk = {"guild_id": GUILD, "members": people, "chunk_index": 0, "chunk_count": 1, "nonce": data.get("nonce")}
        session = self._wires[wire]
        if session is not None:
            await session.tell("GUILD_MEMBERS_CHUNK", chunk)

    async def disconnect(self, how: str) -> None:
        """`reconnect` (op 7), `invalid` or `resumable` (op 9), `beat` asks a heartbeat, `drop`, or a close code.

        `half_open` leaves the socket as it is, and nothing comes through it any more.
        """
        for wire, session in list(self._wires.items()):
            if how == "reconnect":
                await wire.send(RECONNECT)
            elif how == "beat":
                await wire.send(BEAT)
            elif how in ("invalid", "resumable"):
                if how == "invalid" and session is not None:
                    self._sessions.pop(session.id, None)
                await wire.send(INVALID, how == "resumable")
            elif how == "drop":
                wire.drop()
            elif how == "half_open":
                wire.lose()
            else:
                await self._world.note("closed", code=int(how), why="asked for")
                await wire.close(int(how))

    async def close(self) -> None:
        for wire in list(self._wires):
            await wire.close(1001)


def _frame(text: str) -> dict[str, Any]:
    try:
        frame: dict[str, Any] = json.loads(text)
    except ValueError:
        raise ClosingError(4002, "Error while decoding payload.") from None
    return frame
