"""Every point: the program is killed, or told to leave, before and after each commit and each call of a turn, started
again, and told everything once more. Nothing is lost, nothing is doubled, nothing is out of order."""

import asyncio
import itertools
import json
import sqlite3
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.processes import ROOT, Process
from tests.proofs import launcher
from tests.proofs.scenes import DiscordAskScene, DiscordScene, Scene, SlackScene
from tests.scripted import connecting
from tests.waiting import until

pytestmark = [pytest.mark.proof, pytest.mark.timeout(1500)]

WORKERS = 3
# What ends a worker's walk is a turn that nobody killed.
THROUGH = 1
DIED = "died "
MOST_POINTS = 150


@dataclass(frozen=True)
class Story:
    """What is asked while the program may die, of a signal. `before` is asked, and answered, before that.

    With `functions` the assistant has two that read, one of which may be called again, and the model calls both. A
    question asked `by_command` is asked again by its author if it was not stored, and only then.
    """

    questions: tuple[str, ...]
    before: tuple[str, ...] = ()
    regenerates: bool = False
    dies_of: str = "SIGKILL"
    functions: bool = False
    by_command: bool = False

    @property
    def answers(self) -> list[str]:
        said = [f"You said: {text}" for text in (*self.before, *self.questions)]
        return [*said, said[-1]] if self.regenerates else said


SLACK_LONG = " ".join(f"word{number}" for number in range(1_700))
DISCORD_LONG = " ".join(f"word{number}" for number in range(300))
CONFIGURATION = """
default = ["bot"]
functions = ["counted.py"]
[assistants.bot]
title = "Bot"
functions = ["once", "again"]
"""
COUNTED = """
import os
from threadline import function

def note(name):
    ran = os.open("ran", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(ran, f"{name}\\n".encode())
    os.close(ran)
    return "done"

@function(read_only=True)
def once() -> str:
    return note("once")

@function(read_only=True, repeatable=True)
def again() -> str:
    return note("again")
"""
STORIES: dict[str, tuple[Callable[[], AbstractAsyncContextManager[Scene]], Story]] = {
    "slack-streams": (lambda: SlackScene.on(streams=True), Story(("hello",))),
    "slack-edits": (lambda: SlackScene.on(streams=False), Story(("hello",))),
    "discord": (DiscordScene.on, Story(("hello",))),
    "slack-streams-in-parts": (lambda: SlackScene.on(streams=True), Story((SLACK_LONG,), before=("hello",))),
    "discord-in-parts": (DiscordScene.on, Story((DISCORD_LONG,), before=("hello",))),
    "slack-streams-regenerate": (lambda: SlackScene.on(streams=True), Story((), ("hello",), regenerates=True)),
    "slack-streams-leaving": (lambda: SlackScene.on(streams=True), Story(("hello",), dies_of="SIGTERM")),
    "discord-leaving": (DiscordScene.on, Story(("hello",), dies_of="SIGTERM")),
    "slack-streams-functions": (lambda: SlackScene.on(streams=True), Story(("call them",), functions=True)),
    "discord-by-command": (DiscordAskScene.on, Story(("hello",), by_command=True)),
    "discord-regenerate": (DiscordScene.on, Story((), ("hello",), regenerates=True)),
}


@pytest.fixture(scope="module")
def model() -> Iterator[str]:
    process = Process(sys.executable, "-m", "tests.proofs.model", "--delay", "0.1")
    yield process.line("http://").strip()
    process.end()


class Program:
    """The program in a folder of its own, as often as it is started."""

    def __init__(self, folder: Path, scene: Scene, model: str) -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        self._env = {
            **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), ""),
            **scene.wiring,
            **connecting(model),
            "PORT": "0",
            "DATA_DIR": str(folder / "data"),
            "MODEL_DISCOVERY": "false",
            "PYTHONPATH": str(ROOT),
            "POINTS_ARMED": str(folder / "armed"),
            "POINTS_LOG": str(folder / "points"),
            "LEAVING_GRACE": "0",
        }

    def start(self, *, kill_at: str = "", dies_of: str = "SIGKILL") -> Process:
        return Process(
            env={**self._env, "POINTS_KILL": kill_at, "POINTS_SIGNAL": dies_of}, cwd=self.folder, forks=launcher.main
        )

    def give_functions(self) -> None:
        (self.folder / "threadline.toml").write_text(CONFIGURATION, "utf-8")
        (self.folder / "counted.py").write_text(COUNTED, "utf-8")

    @property
    def ran(self) -> list[str]:
        """The functions that were called, a name for each time."""
        log = self.folder / "ran"
        return log.read_text("utf-8").split() if log.exists() else []

    def arm(self) -> None:
        (self.folder / "armed").touch()

    def disarm(self) -> None:
        (self.folder / "armed").unlink(missing_ok=True)

    @property
    def points(self) -> list[str]:
        log = self.folder / "points"
        return log.read_text("utf-8").splitlines() if log.exists() else []

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(f"{(self.folder / 'data' / 'threadline.db').as_uri()}?mode=ro", uri=True)) as db:
            return db.execute(sql).fetchall()


@pytest.mark.parametrize("name", STORIES)
async def test_killed_at_every_point_a_turn_is_answered_once_whole_and_in_order(
    name: str, tmp_path: Path, model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """No answer may be lost by the restart or posted twice."""
    stage, story = STORIES[name]
    numbers, runs = itertools.count(1), itertools.count(1)
    died: list[str] = []
    reached: set[str] = set()

    async def survives(scene: Scene, kill_at: str) -> bool:
        program = Program(tmp_path / str(next(runs)), scene, model)
        where = await _survives(scene, story, program, kill_at)
        if where is None:
            reached.update(program.points)
        else:
            died.append(where)
        return where is not None

    async def walk(scene: Scene) -> None:
        through = 0
        while through < THROUGH:
            number = next(numbers)
            assert number <= MOST_POINTS, "the walk does not end"
            through += not await survives(scene, str(number))

    async def visit(scene: Scene, names: Iterator[str]) -> None:
        for name in names:
            await survives(scene, name)

    async with AsyncExitStack() as stack:
        scenes = [await stack.enter_async_context(stage()) for _ in range(WORKERS)]
        async with asyncio.TaskGroup() as group:
            for scene in scenes:
                group.create_task(walk(scene))
        # Points come in another order now and then: one that the walk passed by is gone to by its name.
        missed = iter(reached - set(died))
        async with asyncio.TaskGroup() as group:
            for scene in scenes:
                group.create_task(visit(scene, missed))
    with capsys.disabled():
        print(f"\n{name}: killed at {len(died)} points, 0 lost, 0 doubled, in order")  # noqa: T201
    assert {"before commit close_turn", "after commit close_turn"} <= set(died)
    assert len(died) >= 8


async def _survives(scene: Scene, story: Story, program: Program, kill_at: str) -> str | None:
    """The point at which it died and came back from; None when it went through without."""
    await scene.fresh()
    if story.functions:
        program.give_functions()
    first = program.start(kill_at=kill_at, dies_of=story.dies_of)
    try:
        await _prepared(scene, story, program)
        program.arm()
        await _ask(scene, story)
        await _first(_gone(first), _ended(scene, story, program))
        # Whoever was told to leave at the end of a turn may end the turn first.
        if died := any(point.startswith(DIED) for point in program.points):
            await _gone(first)
        program.disarm()
    finally:
        await asyncio.to_thread(first.kill)
    if not died:
        return None
    where = next(point.removeprefix(DIED) for point in program.points if point.startswith(DIED))
    second = program.start()
    try:
        await _audit(scene, story, program, f"killed {where}", second)
    finally:
        await asyncio.to_thread(second.end)
    return where


async def _prepared(scene: Scene, story: Story, program: Program) -> None:
    await scene.connected()
    for text in story.before:
        await scene.ask(text)
        await scene.until(lambda read, text=text: _joined(read).endswith(_bare(f"You said: {text}")))  # type: ignore[misc]
    if story.before:
        await until(lambda: program.rows("select 1 from turns where outcome is null") == [])


async def _ask(scene: Scene, story: Story) -> None:
    for text in story.questions:
        await scene.ask(text)
    if story.regenerates:
        # Whoever gives a command to a program that dies sees that it did not respond.
        await asyncio.gather(scene.command("regenerate"), return_exceptions=True)


async def _ended(scene: Scene, story: Story, program: Program) -> None:
    await scene.until(lambda read: _joined(read) == _joined(story.answers))
    await until(lambda: "after commit close_turn" in program.points)


async def _gone(process: Process) -> None:
    await asyncio.to_thread(process.wait, 120)


async def _first(dies: Awaitable[None], ends: Awaitable[None]) -> None:
    """Returns when it died, or ended."""
    dying, ending = asyncio.ensure_future(dies), asyncio.ensure_future(ends)
    await asyncio.wait({dying, ending}, return_when=asyncio.FIRST_COMPLETED)
    if dying.done():
        ending.cancel()
        await asyncio.wait([ending])
    else:
        ending.result()


async def _audit(scene: Scene, story: Story, program: Program, where: str, process: Process) -> None:
    """Everything is told again; what people read then, and what the tables hold, is as if nobody had died."""
    await scene.connected()
    await scene.redeliver()
    if story.regenerates and program.rows("select 1 from turns where cause = 'regenerate'") == []:
        await scene.command("regenerate")
    if story.by_command and program.rows("select 1 from incoming") == []:
        await _ask(scene, story)
    try:
        await scene.until(lambda read: _joined(read) == _joined(story.answers))
        await scene.ask("and now?")
        await scene.until(lambda read: _joined(read) == _joined([*story.answers, "You said: and now?"]))
        await scene.redeliver()
        await scene.ask("last")
        answers = [*story.answers, "You said: and now?", "You said: last"]
        await scene.until(lambda read: _joined(read) == _joined(answers))
        await until(lambda: program.rows("select 1 from turns where outcome is null") == [])
        assert await scene.loose_ends() == []
        outcomes = {row[0] for row in program.rows("select outcome from turns")}
        assert outcomes == {"answered"}
        asked = [*story.before, *story.questions, "and now?", "last"]
        assert _said(program) == asked, "each question stands once in the thread, in order"
        assert len(program.rows("select 1 from turns")) == len(answers)
        if story.functions:
            assert program.ran.count("once") <= 1, "what may not be repeated ran again"
            assert program.ran.count("again") >= 1, "what may be repeated did not run"
    except AssertionError as error:
        raise AssertionError(f"{where}: {error}\n{process.output[-3000:]}") from error


def _said(program: Program) -> list[str]:
    """What people said, as the thread has it."""
    bodies = program.rows("select body from messages where role = 'user' order by seq")
    return [part["text"]["value"] for (body,) in bodies for part in json.loads(str(body))["content"]]


def _joined(texts: list[str]) -> str:
    """What is read, whatever parts it came in; a platform trims where one ends."""
    return "|".join(map(_bare, texts)).replace("|continued", "")


def _bare(text: str) -> str:
    return "".join(text.split()).replace("_continued_", "continued").replace("-#continued", "continued")
