"""The connection to a party line: what it says to us, and calls that it accepts or refuses."""

import asyncio
import contextlib
import itertools
import json
from typing import Any

from threadline import PlatformError

Message = dict[str, Any]
LONGEST = 2**20
PATIENCE = 30.0


class Line:
    """One line at HOST:PORT, where we are `name`. See `exchange.py` for what both sides say."""

    def __init__(self, host: str, port: int, name: str) -> None:
        self.name = name
        self._address = host, port
        self._calls = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Message]] = {}
        self._heard: asyncio.Queue[Message | None] = asyncio.Queue()
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None

    @property
    def is_open(self) -> bool:
        return self._reading is not None and not self._reading.done()

    async def open(self) -> None:
        reader, self._writer = await asyncio.open_connection(*self._address, limit=LONGEST)
        self._writer.write(f"/bot {self.name}\n".encode())
        self._heard = asyncio.Queue()
        self._reading = asyncio.create_task(self._read(reader, self._heard))

    async def next_message(self) -> Message:
        """What is said next in any room. Raises `ConnectionError` when the line is lost."""
        message = await self._heard.get()
        if message is None:
            raise ConnectionError("the party line was lost")
        return message

    def acknowledge(self, message: Message) -> None:
        self._send({"do": "ack", "id": message["id"]})

    def types(self, room: str) -> None:
        self._send({"do": "typing", "room": room})

    async def say(self, room: str, text: str, *, nonce: str) -> str:
        """Say it; the id it got. Raises `PlatformError`."""
        call = next(self._calls)
        answer = self._waiting[call] = asyncio.get_running_loop().create_future()
        try:
            self._send({"do": "say", "call": call, "room": room, "text": text, "nonce": nonce})
            said = await asyncio.wait_for(answer, PATIENCE)
        except (ConnectionError, TimeoutError) as error:
            raise PlatformError(f"The party line did not answer ({type(error).__name__}).") from error
        finally:
            del self._waiting[call]
        if said["do"] == "refused":
            raise PlatformError(
                f"The party line refused: {said['why']}.", retryable=said["again"], retry_after=said.get("wait")
            )
        return str(said["id"])

    async def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            with contextlib.suppress(ConnectionError):
                await self._writer.wait_closed()
        if self._reading is not None:
            await self._reading

    def _send(self, order: Message) -> None:
        """Never waits: what the socket cannot take at once, asyncio keeps."""
        if self._writer is not None and self.is_open:
            self._writer.write(json.dumps(order).encode() + b"\n")
        elif order["do"] == "say":
            raise ConnectionError("the party line was lost")

    async def _read(self, reader: asyncio.StreamReader, heard: "asyncio.Queue[Message | None]") -> None:
        """Until the line is lost: messages into the queue, answers to who waits for them."""
        with contextlib.suppress(ConnectionError):
            while line := await reader.readline():
                message = json.loads(line)
                if message["do"] == "message":
                    heard.put_nowait(message)
                elif (answer := self._waiting.get(message["call"])) is not None and not answer.done():
                    answer.set_result(message)
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(ConnectionError("the party line was lost"))
        heard.put_nowait(None)
