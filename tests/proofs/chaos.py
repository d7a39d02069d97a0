"""Chaos: hundreds of conversations on both simulated platforms while everything goes wrong; then an audit.

    python -m tests.proofs.chaos --turns 20000 --seed 7

The program is killed and told to leave, payloads come twice, platforms answer 429 and 5xx and lose answers, the model
fails and breaks off, another program holds the database, sockets are cut, people stop answers and ask for others.
Afterwards every message must have been taken, every turn must have ended in one reply, whole, in its place and in
order. The exit code is 1 where one was not; the seed tells the story again.
"""

import argparse
import asyncio
import contextlib
import random
import shutil
import signal
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import click

from tests.processes import ROOT, Process, python, told
from tests.proofs.audit import Audit, audited
from tests.scripted import connecting
from tests.simulators.discord.client import DiscordPeople
from tests.simulators.slack.client import SlackPeople

SLACK_CALLS = ("chat.postMessage", "chat.update", "chat.startStream", "chat.appendStream", "chat.stopStream")
DISCORD_CALLS = ("create_message", "edit_message")
PAUSE = 0.2


class Chaos:
    """One run: `turns` questions by a seed."""

    def __init__(self, folder: Path, turns: int, conversations: int, seed: int) -> None:
        self.counts: Counter[str] = Counter()
        self._folder = folder
        self._turns = turns
        self._dice = random.Random(seed)  # noqa: S311 - a seeded story, not a secret
        self._conversations = conversations
        self._asked = 0
        self._program: Process | None = None
        self._quiet = False

    async def run(self) -> Audit:
        async with AsyncExitStack() as stack:
            model = stack.enter_context(python("tests.proofs.model", "--delay", "0.01", "--failing", "0.03"))
            slack_at = told(stack.enter_context(python("tests.simulators.slack", "--port", "0")))
            discord_at = told(stack.enter_context(python("tests.simulators.discord", "--port", "0")))
            self._slack = await stack.enter_async_context(SlackPeople(slack_at["address"]))
            self._discord = await stack.enter_async_context(DiscordPeople(discord_at["address"]))
            self._env = {
                **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), ""),
                **connecting(model.line("http://").strip()),
                "SLACK_BOT_TOKEN": slack_at["bot_token"],
                "SLACK_APP_TOKEN": slack_at["app_token"],
                "SLACK_API_BASE_URL": slack_at["api"],
                "DISCORD_TOKEN": discord_at["token"],
                "DISCORD_API_BASE_URL": discord_at["api"],
                "DISCORD_GATEWAY_URL": discord_at["gateway"],
                "PORT": "0",
                "DATA_DIR": str(self._folder / "data"),
                "MODEL_DISCOVERY": "false",
                "PYTHONPATH": str(ROOT),
                "POINTS_ARMED": str(self._folder / "never"),
                "POINTS_LOG": str(self._folder / "points"),
                "LEAVING_GRACE": "1",
                "LOG_LEVEL": "warning",
            }
            await self._slack.settings(retry_delays=[0.5] * 100_000)
            await self._people()
            async with self._alive():
                # Discord tells nobody what was said in a channel that the program does not know yet.
                await self._slack.until(lambda now: now.sockets > 0)
                await self._discord.until(lambda now: now.sockets > 0)
                await self._talk(self._places, calm=True)
                trouble = asyncio.create_task(self._trouble())
                while self._asked < self._turns:
                    await self._talk(self._dice.sample(self._places, min(60, len(self._places))))
                trouble.cancel()
                await asyncio.wait([trouble])
                self._quiet = True
                await self._slack.forget_faults()
                await self._discord.forget_faults()
                await self._calm()
            return await audited(self._folder / "data" / "threadline.db", self._slack, self._discord)

    async def _people(self) -> None:
        ada, bob = await self._slack.user("ada"), await self._discord.user("bob")
        self._places: list[dict[str, str]] = []
        for number in range(self._conversations // 10):
            slack, discord = await self._slack.channel(f"s{number}"), await self._discord.channel(f"d{number}")
            self._places += [{"on": "slack", "who": ada, "channel": slack, "thread": ""} for _ in range(5)]
            self._places += [{"on": "discord", "who": bob, "channel": discord, "thread": ""} for _ in range(5)]

    @contextlib.asynccontextmanager
    async def _alive(self) -> AsyncIterator[None]:
        """The program, started again whenever it ends."""
        keeper = asyncio.create_task(self._keep())
        try:
            yield
        finally:
            keeper.cancel()
            await asyncio.wait([keeper])
            if self._program is not None:
                await asyncio.to_thread(self._program.end)

    async def _keep(self) -> None:
        while True:
            self._program = Process(sys.executable, "-m", "tests.proofs.launcher", env=self._env, cwd=self._folder)
            code = await asyncio.to_thread(self._program.wait, 36_000)
            self.counts[f"ended with {code}"] += 1
            if code not in (0, -signal.SIGKILL):
                click.echo(self._program.output[-3000:], err=True)

    async def _talk(self, places: list[dict[str, str]], *, calm: bool = False) -> None:
        """Somebody says something in each of these conversations, or two things; waits until all is answered."""
        await asyncio.gather(*(self._say(place, 1 if calm else self._dice.choice((1, 1, 1, 2))) for place in places))
        if not calm:
            await self._meddle(self._dice.choice(places))
        await self._calm()

    async def _say(self, place: dict[str, str], times: int) -> None:
        for _ in range(times):
            self._asked += 1
            text = f"@threadline question {self._asked} of many"
            if place["on"] == "slack":
                thread = {"thread_ts": place["thread"]} if place["thread"] else {}
                said = await self._slack.say(place["who"], place["channel"], text, **thread)
            else:
                said = await self._discord.say(place["who"], place["thread"] or place["channel"], text)
            place["thread"] = place["thread"] or said

    async def _meddle(self, place: dict[str, str]) -> None:
        """Somebody stops an answer, or asks for another; a program that is dead does not respond."""
        what = self._dice.choice(("stop", "regenerate", "stop", "redeliver", "redeliver"))
        self.counts[what] += 1
        with contextlib.suppress(Exception):
            if what == "redeliver" and place["on"] == "discord":
                await self._discord.redeliver(place["thread"])
            elif what == "redeliver":
                return
            elif place["on"] == "slack":
                await self._slack.command(place["who"], place["channel"], "/assistant", what)
            else:
                await self._discord.command(place["who"], place["thread"], f"/assistant {what}")

    async def _calm(self) -> None:
        """Returns when everything that was said is answered."""
        until = time.monotonic() + 300
        while time.monotonic() < until:
            if await asyncio.to_thread(self._open) == 0:
                return
            await asyncio.sleep(PAUSE)
        raise AssertionError(f"{self._open()} messages are still not answered after five minutes")

    def _open(self) -> int:
        """How many of the messages that people said have not come to their end."""
        try:
            with contextlib.closing(sqlite3.connect(self._folder / "data" / "threadline.db", timeout=20)) as db:
                (ended,) = db.execute(
                    "select count(*) from incoming i join turns t on t.id = i.turn"
                    " where i.kind = 'message' and t.outcome is not null"
                ).fetchone()
                (under_way,) = db.execute("select count(*) from turns where outcome is null").fetchone()
        except sqlite3.OperationalError:
            return self._asked
        return self._asked - int(ended) + int(under_way)

    async def _trouble(self) -> None:
        while True:
            await asyncio.sleep(self._dice.uniform(0.2, 0.6))
            what = self._dice.choices(
                ("kill", "leave", "slack", "discord", "cut slack", "cut discord", "lose acks", "lock"),
                (8, 2, 30, 30, 3, 3, 8, 2),
            )[0]
            self.counts[what] += 1
            await self._do(what)

    async def _do(self, what: str) -> None:
        fault = self._dice.choice(({"status": 429}, {"status": 500}, {"lose": "after"}, {"lose": "before"}))
        match what:
            case "kill" | "leave" if self._program is not None:
                with contextlib.suppress(ProcessLookupError):
                    self._program.signal(signal.SIGKILL if what == "kill" else signal.SIGTERM)
                await asyncio.sleep(self._dice.uniform(2, 4))
            case "slack":
                await self._slack.fault(self._dice.choice(SLACK_CALLS), retry_after=1, **fault)
            case "discord":
                await self._discord.fault(self._dice.choice(DISCORD_CALLS), retry_after=0.5, **fault)
            case "cut slack":
                await self._slack.disconnect(self._dice.choice(("refresh_requested", "drop")))
            case "cut discord":
                await self._discord.disconnect(self._dice.choice(("reconnect", "invalid", "drop")))
            case "lose acks":
                await self._slack.settings(lose_acks=self._dice.randint(1, 5))
            case "lock":
                await asyncio.to_thread(self._hold_the_database, self._dice.uniform(0.5, 6))

    def _hold_the_database(self, seconds: float) -> None:
        with (
            contextlib.suppress(sqlite3.OperationalError),
            contextlib.closing(
                sqlite3.connect(self._folder / "data" / "threadline.db", timeout=2, isolation_level=None)
            ) as db,
        ):
            db.execute("begin immediate")
            time.sleep(seconds)
            db.execute("rollback")


async def story(turns: int, conversations: int, seed: int) -> tuple[Audit, Counter[str], float]:
    """Runs one; the audit, what was done to it, and how many seconds it took."""
    folder, began = Path(tempfile.mkdtemp(prefix="chaos-")), time.monotonic()
    chaos = Chaos(folder, turns, conversations, seed)
    try:
        return await chaos.run(), chaos.counts, time.monotonic() - began
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


def main() -> int:
    parser = argparse.ArgumentParser(description="Everything goes wrong; then every effect is audited.")
    parser.add_argument("--turns", type=int, default=20_000)
    parser.add_argument("--conversations", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    audit, counts, seconds = asyncio.run(story(given.turns, given.conversations, given.seed))
    click.echo(f"seed {given.seed}, {given.conversations} conversations, {seconds:.0f} s")
    click.echo("done to it: " + ", ".join(f"{name} {count}" for name, count in sorted(counts.items())))
    click.echo(audit.report())
    return 1 if audit.violations else 0


if __name__ == "__main__":
    sys.exit(main())
