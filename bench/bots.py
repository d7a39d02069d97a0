"""Compares bots on the same simulated platforms and model: latency, throughput, memory, and the effect of a kill.

    python -m bench.bots

Threadline is compared with two minimal bots as they are usually written (bench/peers). Times come from the platform's
request log; every bot runs in its own process.
"""

import argparse
import asyncio
import contextlib
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.model import AT_LENGTH, LONG, PIECES, SLOWLY
from bench.processes import memory, processor
from bench.sides import DiscordSide, Question, Side, SlackSide, when
from tests.processes import ROOT, Process, python
from tests.scripted import connecting

# Seconds between looks at many answers: a look takes the simulator's time, so it comes after the last of them.
LOOK = 5.0
AT_ONCE = 50
END = "The end."
BEGINNINGS = {"": "It is four", SLOWLY: "Word 0"}
ROUNDS = 5
# Bots may still set statuses and reactions after the last text.
AFTERMATH = 1.0


@dataclass(frozen=True)
class Bot:
    name: str
    command: tuple[str, ...]
    side: Callable[[], contextlib.AbstractAsyncContextManager[Side[Any]]]


OURS = (str(Path(sys.executable).with_name("threadline")), "run")
BOTS = (
    Bot("Threadline", OURS, SlackSide.simulated),
    Bot("minimal", (sys.executable, "-m", "bench.peers.slack_bot"), SlackSide.simulated),
    Bot("Threadline", OURS, DiscordSide.simulated),
    Bot("minimal", (sys.executable, "-m", "bench.peers.discord_bot"), DiscordSide.simulated),
)


class Bench:
    """One bot on one platform; `found` maps each measurement to its result."""

    def __init__(self, bot: Bot, side: Side[Any], model: str, folder: Path) -> None:
        self.found: dict[str, str] = {}
        self._bot = bot
        self._side = side
        self._folder = folder
        self._env = {
            **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), ""),
            **connecting(model),
            **side.wiring,
            "PORT": "0",
            "DATA_DIR": str(folder / "data"),
            "MODEL_DISCOVERY": "false",
            "LOG_LEVEL": "error",
            "PYTHONPATH": str(ROOT),
        }

    async def run(self) -> None:
        began = time.monotonic()
        with self._running() as process:
            await self._side.connected()
            self.found["start to connected"] = f"{time.monotonic() - began:.2f} s"
            await self._wait_for(await self._side.ask("warm up"))
            self.found["idle memory"] = f"{memory(process.pid):.0f} MB"
            for name, how in (("instant model", ""), ("2 s model", SLOWLY)):
                await self._one(name, how)
            await self._long()
            await self._twice()
        await self._side.gone()
        # A fresh process, so that no rate limit of this minute is used up.
        for name, how in (("instant", ""), ("2 s model", SLOWLY)):
            with self._running() as process:
                await self._side.connected()
                await self._many(name, how, process)
            await self._side.gone()
        await self._killed()

    @contextlib.contextmanager
    def _running(self) -> Iterator[Process]:
        process = Process(*self._bot.command, env=self._env, cwd=self._folder)
        try:
            yield process
        finally:
            process.end()

    async def _wait_for(self, question: Question, *, seconds: float = 60) -> bool:
        return await self._side.until(question, lambda read: any(END in text for text in read), seconds=seconds)

    async def _one(self, name: str, how: str) -> None:
        """Measure the first visible text, the complete answer, and the requests per answer; medians."""
        firsts, finals, requests = [], [], []
        for _ in range(ROUNDS if not how else 3):
            question = await self._side.ask(f"answer {how}")
            await self._wait_for(question)
            await asyncio.sleep(AFTERMATH)
            calls = await self._side.calls()
            firsts.append(when(calls, question, BEGINNINGS[how]) or 0)
            finals.append(when(calls, question, END) or 0)
            requests.append(sum(call.at >= question.at for call in calls))
        self.found[f"first visible text, {name}"] = _milliseconds(firsts)
        self.found[f"final, {name}"] = _milliseconds(finals)
        self.found[f"requests an answer, {name}"] = f"{statistics.median(requests):.0f}"

    async def _many(self, name: str, how: str, process: Process) -> None:
        channels = [await self._side.new_channel() for _ in range(AT_ONCE)]
        before = processor(process.pid)
        questions = await self._side.ask_at_once(f"answer {how}", channels)
        deadline, ends = time.monotonic() + 90, list[float | None]()
        while time.monotonic() < deadline:
            await asyncio.sleep(LOOK)
            calls = await self._side.calls()
            ends = [when(calls, question, END) for question in questions]
            if None not in ends:
                break
        there = [end for end in ends if end is not None]
        lost = "" if len(there) == AT_ONCE else f", {AT_ONCE - len(there)} of {AT_ONCE} lost"
        seconds = (processor(process.pid) - before) / AT_ONCE
        last = max(there, default=0.0)
        self.found[f"{AT_ONCE} at once, {name}"] = (
            f"last {last:.2f} s, {len(there) / last:.0f}/s, {seconds * 1000:.0f} ms CPU{lost}" if there else "all lost"
        )

    async def _long(self) -> None:
        """Check an answer longer than a message, with a code fence in it."""
        question = await self._side.ask(f"answer {AT_LENGTH}")
        await self._side.until(question, lambda read: any("That is all of it." in text for text in read))
        read = await self._side.read(question)
        missing = (Counter(LONG.split()) - Counter(" ".join(read).split())).total()
        broken = sum(text.count("```") % 2 for text in read)
        self.found[f"{len(LONG):,} characters with a fence"] = (
            f"{len(read)} messages, {'whole' if not missing else f'{missing} words lost or cut'}, "
            f"{'fences whole' if not broken else f'{broken} with a broken fence'}"
        )

    async def _twice(self) -> None:
        question = await self._side.ask("answer")
        await self._wait_for(question)
        await self._side.again(question)
        twice = await self._side.until(question, lambda read: sum(END in text for text in read) > 1, seconds=3)
        self.found["the same event twice"] = "answered twice" if twice else "answered once"

    async def _killed(self) -> None:
        with self._running() as process:
            await self._side.connected()
            question = await self._side.ask(f"answer {SLOWLY}")
            await self._side.until(
                question, lambda read: any(f"Word {PIECES // 4}" in text for text in read), seconds=5
            )
            process.kill()
            await self._side.gone()
        while_down = await self._side.ask("answer", channel=question.channel)
        with self._running():
            await self._side.connected()
            whole = await self._wait_for(question, seconds=12)
            answered = sum(END in text for text in await self._side.read(question))
            later = await self._wait_for(while_down, seconds=8)
        torn = await self._side.read(question)
        state = f"{answered} whole answer" if whole else ("torn answer stays" if torn else "nothing shown, lost")
        self.found["kill -9 mid-answer, restart"] = state
        self.found["asked while it was down"] = "answered" if later else "not answered"


def _milliseconds(seconds: list[float]) -> str:
    return f"{statistics.median(seconds) * 1000:.0f} ms"


async def table(only: str) -> None:
    columns: list[tuple[str, dict[str, str]]] = []
    with python("bench.model") as model:
        address = model.line("http://").strip()
        for bot in BOTS:
            async with bot.side() as side:
                if only.casefold() not in f"{bot.name} {side.name}".casefold():
                    continue
                folder = Path(tempfile.mkdtemp(prefix="bots-"))
                bench = Bench(bot, side, address, folder)
                await bench.run()
                columns.append((f"{bot.name}, {side.name}", bench.found))
                print(f"{columns[-1][0]}: done", file=sys.stderr)
    names = list(dict.fromkeys(name for _, found in columns for name in found))
    print(f"| | {' | '.join(title for title, _ in columns)} |")
    print(f"|---|{'---|' * len(columns)}")
    for name in names:
        print(f"| {name} | {' | '.join(found.get(name, '') for _, found in columns)} |")


def main() -> None:
    parser = argparse.ArgumentParser(description="Bots side by side.")
    parser.add_argument("--only", default="", help="words of one column, e.g. slack")
    asyncio.run(table(parser.parse_args().only))


if __name__ == "__main__":
    main()
