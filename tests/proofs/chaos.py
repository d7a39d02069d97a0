"""Chaos: hundreds of conversations on both simulated platforms while everything goes wrong; then an audit.

    python -m tests.proofs.chaos --turns 20000 --seed 7

The program is killed and told to leave, payloads come twice, platforms answer 429 and 5xx and lose answers, the model
fails and breaks off, another program holds the database, the disk refuses commits, sockets are cut, people stop
answers, ask for others and mend their words. Afterwards every message must have been taken, every turn must have ended
in one reply, whole, in its place and in order. The exit code is 1 where one was not. A seed makes the same choices
again; when they meet is the machine's.
"""

import argparse
import asyncio
import contextlib
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import click
import httpx

from tests.proofs.audit import Audit
from tests.proofs.crowd import Crowd, Spot, beside

SLACK_CALLS = ("chat.postMessage", "chat.update", "chat.startStream", "chat.appendStream", "chat.stopStream")
DISCORD_CALLS = ("create_message", "edit_message")
FAILING = 0.03
MEDDLING = 0.08
TROUBLES = {
    "kill": 8,
    "leave": 2,
    "slack fails": 30,
    "discord fails": 30,
    "slack cut": 3,
    "discord cut": 3,
    "acks lost": 8,
    "database held": 2,
    "disk refuses": 3,
}
BETTER = "@threadline question {} in better words"


class Chaos:
    """What is done to a crowd and to its program, counted."""

    def __init__(self, crowd: Crowd, seed: int) -> None:
        self.counts: Counter[str] = Counter()
        self._crowd = crowd
        self._dice = random.Random(f"{seed} trouble")  # noqa: S311 - a story, not a secret
        # However short the story is, each of them comes once.
        self._owed = self._dice.sample(list(TROUBLES), len(TROUBLES))

    async def run(self, turns: int) -> None:
        """So many questions, or more until every trouble was there."""
        async with beside(self._trouble()):
            await asyncio.gather(*(self._converse(spot, turns) for spot in self._crowd.spots))
        await self._crowd.slack.forget_faults()
        await self._crowd.discord.forget_faults()

    async def _converse(self, spot: Spot, turns: int) -> None:
        while self._crowd.asked < turns or self._owed:
            for _ in range(spot.dice.choice((1, 1, 1, 2))):
                event = await self._crowd.say(spot)
            if spot.dice.random() < MEDDLING:
                await self._meddle(spot)
            await self._crowd.answered(event)

    async def _meddle(self, spot: Spot) -> None:
        """Somebody stops an answer, asks for another, or mends their words; the platform tells something twice."""
        slack, discord = self._crowd.slack, self._crowd.discord
        what = spot.dice.choice(("stop", "regenerate", "edit", "redeliver"))
        self.counts[what] += 1
        better = BETTER.format(self._crowd.asked)
        # A program that is dead does not respond to a command.
        with contextlib.suppress(AssertionError, LookupError, httpx.HTTPError):
            match spot.platform, what:
                case "slack", "redeliver":
                    await slack.redeliver_message(spot.latest)
                case "discord", "redeliver":
                    await discord.redeliver(spot.latest)
                case "slack", "edit":
                    await slack.edit(spot.channel, spot.latest, better)
                case "discord", "edit":
                    await discord.edit(spot.latest, better)
                case "slack", _:
                    await slack.command(spot.person, spot.channel, "/assistant", what)
                case _:
                    await discord.command(spot.person, spot.thread, f"/assistant {what}")

    async def _trouble(self) -> None:
        while True:
            await asyncio.sleep(self._dice.uniform(0.2, 0.6))
            what = self._owed[-1] if self._owed else self._dice.choices(list(TROUBLES), list(TROUBLES.values()))[0]
            self.counts[what] += 1
            await self._do(what)
            if self._owed:
                self._owed.pop()

    async def _do(self, what: str) -> None:
        slack, discord, dice = self._crowd.slack, self._crowd.discord, self._dice
        fault = dice.choice(({"status": 429}, {"status": 500}, {"lose": "after"}, {"lose": "before"}))
        match what:
            case "kill" | "leave":
                self._signal(signal.SIGKILL if what == "kill" else signal.SIGTERM)
                await asyncio.sleep(dice.uniform(3, 6))
            case "slack fails":
                await slack.fault(dice.choice(SLACK_CALLS), retry_after=1, **fault)
            case "discord fails":
                await discord.fault(dice.choice(DISCORD_CALLS), retry_after=0.5, **fault)
            case "slack cut":
                await slack.disconnect(dice.choice(("refresh_requested", "drop")))
            case "discord cut":
                await discord.disconnect(dice.choice(("reconnect", "invalid", "drop")))
            case "acks lost":
                await slack.settings(lose_acks=dice.randint(1, 5))
            case "database held":
                await asyncio.to_thread(self._crowd.hold_the_database, dice.uniform(0.5, 6))
            case "disk refuses":
                await self._refuse_commits(dice.uniform(0.5, 3))

    def _signal(self, number: int) -> None:
        if self._crowd.program is not None:
            with contextlib.suppress(ProcessLookupError):
                self._crowd.program.signal(number)

    async def _refuse_commits(self, seconds: float) -> None:
        """The disk takes nothing more from the program: no file of its may grow."""
        if self._crowd.program is None:
            return
        pid, free = self._crowd.program.pid, resource.RLIM_INFINITY
        with contextlib.suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (1, free))
            await asyncio.sleep(seconds)
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (free, free))


async def story(turns: int, conversations: int, seed: int) -> tuple[Audit, Counter[str], float]:
    """One run: the audit, what was done to it, and how many seconds it took."""
    folder, began = Path(tempfile.mkdtemp(prefix="chaos-")), time.monotonic()
    try:
        async with Crowd.gathered(folder, conversations, seed, failing=FAILING) as crowd:
            chaos = Chaos(crowd, seed)
            await chaos.run(turns)
            audit = await crowd.audit()
            ended = {f"ended with {code}": count for code, count in crowd.ended.items()}
            return audit, chaos.counts + Counter(ended), time.monotonic() - began
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
