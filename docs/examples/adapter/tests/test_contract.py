"""The party line keeps Threadline's adapter contract: people over TCP in, the adapter's own connection out."""

import asyncio
import itertools
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Literal

import pytest
from threadline_partyline import PartyLineAdapter
from threadline_partyline.exchange import Exchange, Refusal
from threadline_partyline.reply import LIMIT

from threadline import load_settings
from threadline.testing import AdapterContract, Said, Sight, Stage, TakingBot

ADA, US = "ada", "threadline"


class Caller:
    """A person with `nc`. `lines` is all that is read there, `answers` what the bot said of it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.lines = Sight()
        self.answers = Sight()
        self._writer = writer
        self._reading = asyncio.create_task(self._read(reader))

    async def type(self, line: str, *, seen: str) -> None:
        """Types a line, and waits for what it brings."""
        self._writer.write(f"{line}\n".encode())
        async with aclosing(self.lines.watch()) as sights:
            async for lines in sights:
                if seen in lines:
                    return

    async def _read(self, reader: asyncio.StreamReader) -> None:
        lines: list[str] = []
        answers: list[str] = []
        speaks = False
        while line := (await reader.readline()).decode():
            lines.append(line.removesuffix("\n"))
            begins = not line.startswith("    ")
            speaks = line.startswith(f"{US}: ") if begins else speaks
            if speaks and begins:
                answers.append(line.removeprefix(f"{US}: "))
            elif speaks:
                answers[-1] += line[4:]
            await self.lines.see(lines)
            await self.answers.see([answer.removesuffix("\n") for answer in answers])

    async def leave(self) -> None:
        self._writer.close()
        await self._reading


class LineStage(Stage):
    """Callers in rooms, each room a conversation."""

    limit = LIMIT

    def __init__(self, adapter: PartyLineAdapter, bot: TakingBot, exchange: Exchange, port: int) -> None:
        self.adapter = adapter
        self.bot = bot
        self._exchange = exchange
        self._port = port
        self._rooms = itertools.count(1)
        self.callers: dict[str, Caller] = {}

    async def say(self, text: str, *, after: Said | None = None, addressed: bool = True) -> Said:
        room = after.where if after else await self._join()
        line = f"{US}: {text}" if addressed else text
        await self.callers[room].type(line, seen=f"{ADA}: {line}")
        return Said(room, next(m.id for m in self._exchange.messages[::-1] if (m.room, m.text) == (room, line)))

    async def say_as(self, who: Literal["bot", "us"], text: str) -> Said:
        room = await self._join()
        author = US if who == "us" else "otherbot"
        return Said(room, self._exchange.say(room, author, f"{US}: {text}", is_bot=True).id)

    async def acknowledged(self, said: Said) -> bool:
        return await self._exchange.acknowledged(said.message)

    async def resend(self, said: Said) -> None:
        self._exchange.deliver(next(m for m in self._exchange.messages if m.id == said.message))

    def watch(self, said: Said) -> AsyncGenerator[Sequence[str], None]:
        return self.callers[said.where].answers.watch()

    async def refuse(self, status: Literal[429, 500], *, times: int = 1) -> None:
        refusal = Refusal("busy", wait=0.01) if status == 429 else Refusal("out of order")
        self._exchange.refusals += [refusal] * times

    async def lose(self) -> None:
        self._exchange.refusals.append(Refusal("the line went dead", said=True))

    async def _join(self) -> str:
        room = f"room{next(self._rooms)}"
        self.callers[room] = Caller(*await asyncio.open_connection("127.0.0.1", self._port))
        await self.callers[room].type(f"{ADA} {room}", seen=f"* You are in {room}, {ADA}.")
        return room


class TestPartyLine(
    AdapterContract,
    lacks={
        "pings": "a party line has no pings",
        "clicks": "a party line has no buttons",
        "holding": "nothing is said before the whole answer is there",
    },
):
    @pytest.fixture
    async def stage(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[LineStage]:
        monkeypatch.chdir(tmp_path)  # no `.env` of anybody's
        exchange, bot = Exchange(again_after=0.2), TakingBot()
        server = await exchange.start("127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        monkeypatch.setenv("PARTYLINE", f"127.0.0.1:{port}")
        adapter = PartyLineAdapter.from_settings(load_settings())
        assert adapter is not None  # noqa: S101
        await adapter.connect()
        listening = asyncio.create_task(adapter.listen(bot))
        stage = LineStage(adapter, bot, exchange, port)
        yield stage
        listening.cancel()
        await asyncio.wait([listening])
        await adapter.close()
        for caller in stage.callers.values():
            await caller.leave()
        exchange.close()
        server.close()
        await server.wait_closed()
