"""A crowd on both simulated platforms that talks to the program: what it says, and when it has its answers."""

import asyncio
import contextlib
import json
import random
import signal
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from tests.processes import ROOT, Process, python, told
from tests.proofs.audit import Audit, audited
from tests.scripted import connecting
from tests.simulators.discord import client as discord_client
from tests.simulators.discord.client import DiscordPeople
from tests.simulators.slack import client as slack_client
from tests.simulators.slack.client import SlackPeople

PAUSE = 0.2
LONGEST = 180.0
IN_A_CHANNEL = 5


@dataclass
class Spot:
    """Where somebody talks to us, with dice of its own; `thread` and `latest` are known once something was said."""

    platform: str
    person: str
    channel: str
    dice: random.Random
    thread: str = ""
    latest: str = ""


@dataclass(frozen=True)
class Health:
    """What a program holds: bytes of memory, asyncio tasks, open files and sockets, threads."""

    memory: int
    tasks: int
    files: int
    threads: int


class Crowd:
    """People in `conversations` places, half of them on each platform; the program is started again when it ends."""

    def __init__(self, folder: Path, slack: SlackPeople, discord: DiscordPeople, env: dict[str, str]) -> None:
        self.slack = slack
        self.discord = discord
        self.spots: list[Spot] = []
        self.asked = 0
        self.ended: Counter[int] = Counter()
        self.program: Process | None = None
        self._folder = folder
        self._env = env
        self._waiting: dict[str, asyncio.Future[None]] = {}
        self._is_over = False

    @classmethod
    @asynccontextmanager
    async def gathered(
        cls, folder: Path, conversations: int, seed: int, *, failing: float = 0.0
    ) -> AsyncIterator["Crowd"]:
        """Everybody has said one thing and has an answer; a model's reply fails with the probability `failing`."""
        async with AsyncExitStack() as stack:
            model = stack.enter_context(python("tests.proofs.model", "--delay", "0.01", "--failing", str(failing)))
            slack_at = told(stack.enter_context(python("tests.simulators.slack", "--port", "0")))
            discord_at = told(stack.enter_context(python("tests.simulators.discord", "--port", "0")))
            slack = await stack.enter_async_context(SlackPeople(slack_at["address"]))
            discord = await stack.enter_async_context(DiscordPeople(discord_at["address"]))
            env = {
                **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), ""),
                **connecting(model.line("http://").strip()),
                **slack_client.wiring(slack_at),
                **discord_client.wiring(discord_at),
                "PORT": "0",
                "DATA_DIR": str(folder / "data"),
                "MODEL_DISCOVERY": "false",
                "PYTHONPATH": str(ROOT),
                "POINTS_ARMED": str(folder / "never"),
                "POINTS_LOG": str(folder / "points"),
                "HEALTH_LOG": str(folder / "health"),
                "LEAVING_GRACE": "1",
                "LOG_LEVEL": "warning",
            }
            # Days of a workspace are played in minutes, so that its hourly limit would be reached.
            await slack.settings(retry_delays=[0.5] * 100_000, hourly=10_000_000)
            crowd = cls(folder, slack, discord, env)
            await crowd._arrive(conversations, seed)
            async with beside(crowd._keep()), beside(crowd._look()):
                # Discord tells nobody what was said in a channel that the program does not know yet.
                await slack.until(lambda now: now.sockets > 0)
                await discord.until(lambda now: now.sockets > 0)
                await crowd.round()
                try:
                    yield crowd
                finally:
                    await crowd._end()

    async def round(self) -> None:
        """Everybody says one thing; returns when all have their answers."""
        await asyncio.gather(*(self._ask(spot) for spot in self.spots))

    async def say(self, spot: Spot) -> str:
        """Somebody asks something; the event that their message is."""
        self.asked += 1
        text = f"@threadline question {self.asked} of many"
        if spot.platform == "slack":
            thread = {"thread_ts": spot.thread} if spot.thread else {}
            spot.latest = await self.slack.say(spot.person, spot.channel, text, **thread)
            event = f"slack:T0THREAD:{spot.channel}:{spot.latest}"
        else:
            spot.latest = await self.discord.say(spot.person, spot.thread or spot.channel, text)
            event = f"discord:{spot.latest}"
        spot.thread = spot.thread or spot.latest
        return event

    async def answered(self, event: str) -> None:
        """Returns when the turn of this message has ended."""
        self._waiting[event] = asyncio.get_running_loop().create_future()
        await self._waiting[event]

    async def _ask(self, spot: Spot) -> None:
        await self.answered(await self.say(spot))

    async def audit(self) -> Audit:
        """Ends the program, and compares what everybody sees with what it remembers."""
        await self._end()
        return await audited(self._folder / "data" / "threadline.db", self.slack, self.discord)

    async def health(self) -> "Health":
        """How the program is, in its own words."""
        log, program = self._folder / "health", self.program
        assert program is not None
        log.unlink(missing_ok=True)
        program.signal(signal.SIGUSR1)
        async with asyncio.timeout(30):
            while not log.exists():  # noqa: ASYNC110 - another process writes it
                await asyncio.sleep(PAUSE)
        return Health(**json.loads(log.read_text("utf-8")))

    def hold_the_database(self, seconds: float) -> None:
        """Another program writes to the file and takes its time."""
        with (
            contextlib.suppress(sqlite3.OperationalError),
            contextlib.closing(sqlite3.connect(self._database, timeout=2, isolation_level=None)) as db,
        ):
            db.execute("begin immediate")
            time.sleep(seconds)
            db.execute("rollback")

    @property
    def _database(self) -> Path:
        return self._folder / "data" / "threadline.db"

    async def _arrive(self, conversations: int, seed: int) -> None:
        ada, bob = await self.slack.user("ada"), await self.discord.user("bob")
        for number in range(conversations // (2 * IN_A_CHANNEL)):
            places = (
                ("slack", ada, await self.slack.channel(f"s{number}")),
                ("discord", bob, await self.discord.channel(f"d{number}")),
            )
            for platform, person, channel in places:
                for one in range(IN_A_CHANNEL):
                    dice = random.Random(f"{seed} {platform} {number} {one}")  # noqa: S311 - a story, not a secret
                    self.spots.append(Spot(platform, person, channel, dice))

    async def _keep(self) -> None:
        while not self._is_over:
            program = Process(sys.executable, "-m", "tests.proofs.launcher", env=self._env, cwd=self._folder)
            self.program = program
            try:
                code = await asyncio.to_thread(program.wait, 36_000)
            except asyncio.CancelledError:
                program.signal(signal.SIGKILL)
                raise
            self.ended[code] += 1
            if code not in (0, -signal.SIGKILL, -signal.SIGTERM):
                click.echo(program.output[-3000:], err=True)

    async def _end(self) -> None:
        self._is_over = True
        if self.program is not None:
            await asyncio.to_thread(self.program.end)

    async def _look(self) -> None:
        """Wake whoever waits for an answer that has come; fail when none comes for long."""
        moved = time.monotonic()
        while True:
            await asyncio.sleep(PAUSE)
            for event in await asyncio.to_thread(self._done, [*self._waiting]):
                self._waiting.pop(event).set_result(None)
                moved = time.monotonic()
            if self._waiting and time.monotonic() - moved > LONGEST:
                raise AssertionError(f"nothing was answered for {LONGEST:g} s: {sorted(self._waiting)[:5]}")

    def _done(self, events: list[str]) -> list[str]:
        """Those of these messages whose turn has ended. The program's own file is what tells."""
        try:
            with contextlib.closing(sqlite3.connect(self._database, timeout=20)) as db:
                rows = db.execute(
                    "select i.event from incoming i join turns t on t.id = i.turn"
                    " where t.outcome is not null and i.event in (select value from json_each(?))",
                    [json.dumps(events)],
                )
                return [row[0] for row in rows]
        except sqlite3.OperationalError:  # there is no file yet, or no table in it
            return []


@asynccontextmanager
async def beside(work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Something that goes on beside the block; the block fails with it."""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(work)
        try:
            yield
        finally:
            task.cancel()
