"""The party line itself: rooms on a TCP port, for people with `nc` and for bots that speak JSON.

A person's first line is `NAME ROOM`; every line after it is said in that room. A bot's first line is `/bot NAME`; then
both sides send objects, one a line:

    to the bot    {"do": "message", "id", "room", "author", "is_bot", "text"}   again and again until it is acknowledged
                  {"do": "said", "call", "id"}
                  {"do": "refused", "call", "why", "again", "wait"}
    from the bot  {"do": "ack", "id"}
                  {"do": "say", "call", "room", "text", "nonce"}                 400 characters; a nonce is said once
                  {"do": "typing", "room"}
"""

import argparse
import asyncio
import contextlib
import json
import re
import time
from dataclasses import asdict, dataclass
from typing import Any
from unicodedata import category

LIMIT = 400
MEMORY = 20
TRIES = 3
_GREETING = re.compile(r"([\w.-]{1,20}) ([\w.-]{1,40})")


@dataclass(frozen=True)
class Message:
    id: str
    room: str
    author: str
    is_bot: bool
    text: str


@dataclass
class Refusal:
    """The answer to the next `say` call; `said` although it was."""

    why: str
    wait: float | None = None
    said: bool = False


class Exchange:
    """One line. `again_after` is how many seconds it waits for an acknowledgement before it says it again."""

    def __init__(self, *, again_after: float = 3.0) -> None:
        self.again_after = again_after
        self.messages: list[Message] = []
        self.refusals: list[Refusal] = []
        self._people: dict[asyncio.StreamWriter, str] = {}
        self._bots: dict[asyncio.StreamWriter, str] = {}
        self._acknowledged: dict[str, asyncio.Future[bool]] = {}
        self._nonces: dict[str, str] = {}
        self._carriers: set[asyncio.Task[None]] = set()
        self._last = 0

    async def start(self, host: str, port: int) -> asyncio.Server:
        return await asyncio.start_server(self._meet, host, port, limit=2**20)

    def say(self, room: str, author: str, text: str, *, is_bot: bool = False) -> Message:
        """Let everybody in the room and every bot hear it."""
        self._last = max(self._last + 1, time.time_ns())
        message = Message(str(self._last), room, author, is_bot, _printable(text))
        self.messages.append(message)
        for person, where in self._people.items():
            if where == room:
                person.write(_shown(message))
        self._acknowledged[message.id] = asyncio.get_running_loop().create_future()
        carrier = asyncio.create_task(self._carry(message))
        self._carriers.add(carrier)
        carrier.add_done_callback(self._carriers.discard)
        return message

    async def acknowledged(self, message_id: str) -> bool:
        """Whether the bot said that it has it; returns when it did, or after the last try."""
        return await asyncio.shield(self._acknowledged[message_id])

    def deliver(self, message: Message) -> None:
        """Say it to the bots, again if need be."""
        for bot in self._bots:
            _send(bot, {"do": "message", **asdict(message)})

    def close(self) -> None:
        for task in self._carriers:
            task.cancel()
        for writer in [*self._people, *self._bots]:
            writer.close()

    async def _carry(self, message: Message) -> None:
        answer = self._acknowledged[message.id]
        for _ in range(TRIES):
            self.deliver(message)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(answer), self.again_after)
                return
        answer.set_result(False)

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            greeting = (await reader.readline()).decode(errors="replace").strip()
            if greeting.startswith("/bot "):
                await self._serve_bot(reader, writer, greeting.removeprefix("/bot "))
            elif found := _GREETING.fullmatch(greeting):
                await self._serve_person(reader, writer, found[1], found[2])
            else:
                writer.write(b"* Begin with your name and a room, for example: ada kitchen\n")
        except ConnectionError:
            pass  # whoever it was has gone
        finally:
            self._people.pop(writer, None)
            self._bots.pop(writer, None)
            writer.close()

    async def _serve_person(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, name: str, room: str
    ) -> None:
        writer.write(f"* You are in {room}, {name}.\n".encode())
        for message in [message for message in self.messages if message.room == room][-MEMORY:]:
            writer.write(_shown(message))
        self._people[writer] = room
        while line := await reader.readline():
            if text := line.decode(errors="replace").strip():
                self.say(room, name, text)

    async def _serve_bot(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, name: str) -> None:
        self._bots[writer] = name
        while line := await reader.readline():
            order = json.loads(line)
            if order["do"] == "ack" and not (answer := self._acknowledged[order["id"]]).done():
                answer.set_result(True)
            elif order["do"] == "say":
                _send(writer, {"call": order["call"], **self._said(name, order)})
            elif order["do"] == "typing":
                for person in [person for person, room in self._people.items() if room == order["room"]]:
                    person.write(f"* {name} is typing …\n".encode())

    def _said(self, name: str, order: dict[str, Any]) -> dict[str, Any]:
        refusal = self.refusals.pop(0) if self.refusals else None
        refused = refusal and {"do": "refused", "why": refusal.why, "again": True, "wait": refusal.wait}
        if refusal and refused and not refusal.said:
            return refused
        if not order["text"].strip() or len(order["text"]) > LIMIT:
            return {"do": "refused", "why": f"say 1 to {LIMIT} characters", "again": False}
        if order["nonce"] not in self._nonces:
            self._nonces[order["nonce"]] = self.say(order["room"], name, order["text"], is_bot=True).id
        return refused or {"do": "said", "id": self._nonces[order["nonce"]]}


def _send(writer: asyncio.StreamWriter, order: dict[str, Any]) -> None:
    writer.write(json.dumps(order).encode() + b"\n")


def _shown(message: Message) -> bytes:
    """A message as people read it: what is not its first line is indented."""
    return f"{message.author}: {message.text}".replace("\n", "\n    ").encode() + b"\n"


def _printable(text: str) -> str:
    """Without what would command a terminal."""
    return "".join(character for character in text if character == "\n" or category(character) != "Cc")


async def _run(host: str, port: int) -> None:
    async with await Exchange().start(host, port) as server:
        host, port = server.sockets[0].getsockname()[:2]
        print(f"The party line is at {host}:{port}: nc {host} {port}", flush=True)
        await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description="A party line on loopback.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=7070, help="0 picks a free one")
    arguments = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_run(arguments.host, arguments.port))


if __name__ == "__main__":
    main()
