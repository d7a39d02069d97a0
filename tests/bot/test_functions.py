"""Functions in chat: run side by side, refused, stopped, killed; the real program, asked on the page."""

import json
import sqlite3
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from assistants.service.scripted import ScriptedCall, ScriptedReply
from tests.bot.conftest import Start, address
from tests.bot.page import JSON, Page, said
from tests.conftest import ROOT
from tests.processes import threadline
from tests.scripted import Model, connecting, scripted_model
from tests.waiting import until

WEATHER = """
import pathlib
import threading
import time

from threadline import function

HERE = pathlib.Path(__file__).parent
BOTH = threading.Barrier(2)


def note(name):
    with open(HERE / "ran", "a") as ran:
        ran.write(name + "\\n")


@function(read_only=True)
def meet(name: str) -> str:
    '''Greets once two are there.'''
    BOTH.wait(30)
    return f"Hello {name}" if threading.current_thread() is not threading.main_thread() else "on the loop"


@function(read_only=True)
def quick(city: str) -> str:
    note("quick")
    return f"It is fine in {city}."


@function(read_only=True)
def broken(city: str) -> str:
    raise LookupError(f"no station in {city}")


@function
def send_mail(to: str) -> str:
    '''Sends a mail.'''
    note("send_mail")
    return "sent"


@function(read_only=True)
def slow() -> str:
    return waits("slow")


@function(read_only=True, repeatable=True)
def again() -> str:
    return waits("again")


def waits(name):
    note(name)
    while not (HERE / "go").exists():
        time.sleep(0.01)
    return "done"
"""
NAMES = ["meet", "quick", "broken", "send_mail", "slow", "again"]


@pytest.fixture(scope="module")
def model_address() -> Iterator[str]:
    with scripted_model() as address:
        yield address


@pytest.fixture
async def model(model_address: str) -> AsyncIterator[Model]:
    model = Model(model_address)
    yield model
    await model.aclose()


def settled(folder: Path) -> None:
    """A folder in which the program finds its functions."""
    (folder / "weather.py").write_text(WEATHER)
    (folder / "threadline.toml").write_text(
        f'default = ["bot"]\nfunctions = ["weather.py"]\n[assistants.bot]\ntitle = "Bot"\nfunctions = {NAMES}\n'
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    settled(folder)
    return folder


@pytest.fixture(scope="module")
def url(home: Path, model_address: str) -> Iterator[str]:
    """One program for every test that leaves it alive."""
    process = threadline("run", env=connecting(model_address), cwd=home)
    yield address(process)
    process.end()


@pytest.fixture(autouse=True)
def _nothing_ran(home: Path) -> None:
    for name in ("ran", "go"):
        (home / name).unlink(missing_ok=True)


@pytest.fixture
def key() -> str:
    """A conversation of the test's own."""
    return f"web:{uuid.uuid4()}"


def calls(*named: tuple[str, JSON], text: str = "") -> ScriptedReply:
    return ScriptedReply(text=text, tool_calls=tuple(ScriptedCall(name, json.dumps(args)) for name, args in named))


async def outputs(model: Model) -> list[str]:
    """What the model was given for its calls, in their order."""
    messages = (await model.requests())[-1]["messages"]
    return [message["content"] for message in messages if message["role"] == "tool"]


def ran(folder: Path) -> list[str]:
    return (folder / "ran").read_text().split() if (folder / "ran").exists() else []


async def until_ran(folder: Path, names: list[str]) -> None:
    await until(lambda: sorted(ran(folder)) == sorted(names))


async def test_calls_of_one_step_run_in_parallel_and_are_shown_as_steps(
    url: str, home: Path, key: str, model: Model
) -> None:
    asked = calls(("meet", {"name": "Ada"}), ("meet", {"name": "Eve"}), ("slow", {}), text="Let me see.")
    await model.play(asked, ScriptedReply(text="Both came."))
    before = len(await model.requests())
    async with Page(url) as page:
        async with page.events(key) as events:
            await page.say(key, "greet them")
            async for _, moment in events:
                if "Calling slow…" in [s["text"] for s in moment.get("segments", ()) if s["type"] == "step"]:
                    break
        (home / "go").touch()
        assert await page.answers(key, 1) == ["Let me see.\n\nBoth came."]
    assert await outputs(model) == ["Hello Ada", "Hello Eve", "done"]
    offered = {tool["function"]["name"]: tool["function"] for tool in (await model.requests())[before]["tools"]}
    assert sorted(offered) == sorted(NAMES)
    assert offered["meet"]["description"] == "Greets once two are there."
    assert offered["meet"]["parameters"]["properties"] == {"name": {"type": "string"}}


async def test_only_read_only_functions_run_and_people_are_told(url: str, home: Path, key: str, model: Model) -> None:
    await model.play(
        calls(("send_mail", {"to": "ada"}), ("broken", {"city": "Ulm"}), ("quick", {"town": "Ulm"}), ("snow", {})),
        ScriptedReply(text="I could not send it."),
    )
    async with Page(url) as page:
        await page.say(key, "mail ada")
        (answer,) = await page.answers(key, 1)
    assert answer.startswith("I could not send it.")
    assert "send_mail was not run: it may change something" in answer
    assert ran(home) == []
    refused, failed, wrong, unknown = [json.loads(output)["error"] for output in await outputs(model)]
    assert "only read-only functions may run here" in refused
    assert failed == "LookupError: no station in Ulm"
    assert "town: Extra inputs are not permitted" in wrong
    assert unknown.startswith("There is no function 'snow' here")


async def test_stop_does_not_wait_for_a_function(url: str, home: Path, key: str, model: Model) -> None:
    await model.play(calls(("slow", {}), text="A moment."), ScriptedReply(text="And more."))
    async with Page(url) as page:
        await page.say(key, "do it")
        await until_ran(home, ["slow"])
        await page.say(key, "/assistant stop")
        (exchange,) = await page.until(key, lambda now: now[0]["state"] == "stopped")
        assert said(exchange) == "A moment.\nStopped."
        await page.say(key, "go on")
        found = await page.until(key, lambda now: len(now) == 2 and now[1]["state"] == "answered")
        assert said(found[1]) == "And more."


@pytest.mark.parametrize("name", ["slow", "again"])
async def test_killed_while_functions_run_only_a_repeatable_one_is_run_again(
    start: Start, model_address: str, model: Model, tmp_path: Path, key: str, name: str
) -> None:
    settled(tmp_path)
    settings = connecting(model_address)
    await model.play(calls(("quick", {"city": "Ulm"}), (name, {})), ScriptedReply(text="That is all."))
    first = start("run", **settings)
    async with Page(address(first)) as page:
        await page.say(key, "do it")
        await until_ran(tmp_path, ["quick", name])
        await until(lambda: is_known(tmp_path))
        first.kill()
    (tmp_path / "go").touch()
    async with Page(address(start("run", **settings))) as page:
        assert await page.answers(key, 1) == ["That is all."]
    quick, other = await outputs(model)
    assert quick == "It is fine in Ulm."
    if name == "again":
        assert (other, sorted(ran(tmp_path))) == ("done", ["again", "again", "quick"])
    else:
        assert "Whether it completed is unknown" in other
        assert sorted(ran(tmp_path)) == ["quick", "slow"]


def is_known(folder: Path) -> bool:
    """Whether the quick call's output is on the disk."""
    with closing(sqlite3.connect(folder / "data" / "threadline.db")) as db:
        return bool(db.execute("select 1 from calls where function = 'quick' and output is not null").fetchall())


async def test_the_weather_bot_of_the_documentation_answers_in_chat(
    start: Start, model: Model, model_address: str, key: str
) -> None:
    where = {"location": "San Francisco, CA"}
    await model.play(
        calls(("get_current_temperature", {**where, "unit": "Fahrenheit"}), ("get_rain_probability", where)),
        ScriptedReply(text="57 degrees, and hardly any rain."),
    )
    config = ROOT / "docs" / "examples" / "weather_bot" / "threadline.toml"
    async with Page(address(start("run", THREADLINE_CONFIG=str(config), **connecting(model_address)))) as page:
        await page.say(key, "What is the weather in San Francisco, and will it rain?")
        assert await page.answers(key, 1) == ["57 degrees, and hardly any rain."]
    assert await outputs(model) == ["57 degrees Fahrenheit in San Francisco, CA", "0.06"]
