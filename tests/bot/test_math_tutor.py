"""Math Tutor solves 3x + 11 = 14 by running code, on Slack, Discord and the page, with one real program."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from assistants.service.scripted import ScriptedCall, ScriptedReply
from tests.bot.conftest import address
from tests.bot.page import Page
from tests.conftest import ROOT
from tests.processes import Process, python, threadline, told
from tests.scripted import Model, connecting
from tests.simulators.discord.client import DiscordPeople
from tests.simulators.slack.client import SlackPeople

KEY = "sk-of-the-example"
QUESTION = "Can you help me solve the equation `3x + 11 = 14`?"
CODE = """\
import time
import matplotlib.pyplot as plt
time.sleep(1.5)
x = (14 - 11) / 3
plt.plot([0, 2], [11, 17])
open('steps.txt', 'w').write('3x = 3')
print('x =', x)
"""
ANSWER = "3x + 11 = 14 has the solution x = 1: see [the steps](sandbox:/mnt/data/steps.txt)."
SHOWN = "3x + 11 = 14 has the solution x = 1: see the steps (steps.txt)."


@pytest.fixture(scope="module")
def model_address() -> Iterator[str]:
    with python("assistants.service.scripted", "--port", "0") as process:
        yield process.line("http://").strip()


@pytest.fixture(scope="module")
def slack_facts() -> Iterator[dict[str, Any]]:
    with python("tests.simulators.slack", "--port", "0") as process:
        yield told(process)


@pytest.fixture(scope="module")
def discord_facts() -> Iterator[dict[str, Any]]:
    with python("tests.simulators.discord", "--port", "0") as process:
        yield told(process)


@pytest.fixture(scope="module")
def running(
    slack_facts: dict[str, Any],
    discord_facts: dict[str, Any],
    model_address: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Process]:
    """One program for every platform, with threadline.toml as it is, and Math Tutor answering."""
    if shutil.which("bwrap") is None:
        pytest.skip("bubblewrap is not installed")
    home: Path = tmp_path_factory.mktemp("home")
    config = (
        (ROOT / "threadline.toml").read_text().replace('# default = ["assistant", "tour"]', 'default = ["math-tutor"]')
    )
    (home / "threadline.toml").write_text(config)
    wiring = {
        "SANDBOX": "auto",
        "SANDBOX_OUTPUT_KIB": "1",
        "THREADLINE_API_KEYS": KEY,
        "SLACK_BOT_TOKEN": slack_facts["bot_token"],
        "SLACK_APP_TOKEN": slack_facts["app_token"],
        "SLACK_API_BASE_URL": slack_facts["api"],
        "DISCORD_TOKEN": discord_facts["token"],
        "DISCORD_API_BASE_URL": discord_facts["api"],
        "DISCORD_GATEWAY_URL": discord_facts["gateway"],
        **connecting(model_address),
    }
    process = threadline("run", env=wiring, cwd=home)
    process.line("Threadline is at ")
    process.line("The sandbox stopped every canary", seconds=90)
    yield process
    process.end()


@pytest.fixture
async def deciding(model_address: str) -> AsyncIterator[Model]:
    """The model, which decides to run code and then answers."""
    model = Model(model_address)
    call = ScriptedCall("code_interpreter", json.dumps({"code": CODE}))
    await model.play(ScriptedReply(text="Let me work it out.", tool_calls=(call,)), ScriptedReply(text=ANSWER))
    yield model
    outputs = [message["content"] for message in (await model.requests())[-1]["messages"] if message["role"] == "tool"]
    assert outputs[-1].startswith("x = 1.0")  # the code has really run
    await model.aclose()


async def test_math_tutor_runs_code_and_returns_its_files_on_slack(
    running: Process, slack_facts: dict[str, Any], deciding: Model
) -> None:
    async with SlackPeople(slack_facts["address"]) as slack:
        await slack.until(lambda now: now.sockets == 1)
        ada, channel = await slack.user("ada"), await slack.channel("maths")
        root = await slack.say(ada, channel, f"@threadline {QUESTION}")
        at_work = await slack.until(lambda now: any("Running code" in str(message) for message in now.messages))
        assert SHOWN not in str(at_work.messages)
        now = await slack.until(lambda now: any(m.files and m.thread_ts == root for m in now.messages))
        replies = [message for message in now.messages if message.bot_id and message.thread_ts == root]
        assert replies[0].text == f"Let me work it out.\n\n{SHOWN}"
        named = [file["name"] for message in replies for file in message.files]
        assert sorted(named) == ["figure-1-1.png", "steps.txt"]
        assert now.failures == []


async def test_math_tutor_runs_code_and_returns_its_files_on_discord(
    running: Process, discord_facts: dict[str, Any], deciding: Model
) -> None:
    async with DiscordPeople(discord_facts["address"]) as discord:
        await discord.until(lambda now: now.sockets == 1)
        ada = await discord.user("ada")
        dm = await discord.dm(ada)
        await discord.say(ada, dm, QUESTION)
        await discord.until(lambda now: any("Running code" in message.content for message in now.messages))
        now = await discord.until(lambda now: any(message.attachments for message in now.messages))
        replies = [message for message in now.messages if SHOWN in message.content]
        assert [message.content for message in replies] == [f"Let me work it out.\n\n{SHOWN}"]
        assert "Running code" not in replies[0].content
        assert now.failures == []


async def test_math_tutor_runs_code_and_returns_its_files_on_the_page(running: Process, deciding: Model) -> None:
    async with Page(address(running)) as page:
        key = "web:00000000-0000-4000-8000-000000000001"
        steps: list[str] = []
        async with page.events(key) as events:
            await page.say(key, QUESTION)
            async for kind, data in events:
                steps += [s["text"] for s in data.get("segments", ()) if s["type"] == "step"]
                if data.get("kind") == "finished" or kind == "finished":
                    break
        assert "Running code…" in steps
        (exchange,) = await page.until(key, lambda now: bool(now) and now[0]["state"] == "answered")
        text, *files = exchange["answer"]
        assert text["markdown"] == f"Let me work it out.\n\n{SHOWN}"
        assert [(file["name"], file["picture"]) for file in files] == [("figure-1-1.png", True), ("steps.txt", False)]
        picture, notes = [await page.file(file["id"]) for file in files]
        assert picture.content.startswith(b"\x89PNG")
        assert (notes.text, notes.headers["content-disposition"]) == (
            "3x = 3",
            "attachment; filename*=utf-8''steps.txt",
        )
        assert (await page.file("file-nothing")).status_code == 404


async def test_the_documented_math_tutor_example_runs(running: Process, deciding: Model) -> None:
    env = {"ASSISTANTS_BASE_URL": f"{address(running)}/v1", "ASSISTANTS_API_KEY": KEY, "MODEL": "default"}
    command = [sys.executable, "-W", "error", str(ROOT / "docs" / "examples" / "math_tutor.py")]
    done = await asyncio.to_thread(
        subprocess.run, command, env={**os.environ, **env}, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "The run is completed." in done.stdout
    assert "--- printed\nx = 1.0" in done.stdout


async def test_the_configured_output_limit_applies_to_code(running: Process, model_address: str) -> None:
    model = Model(model_address)
    call = ScriptedCall("code_interpreter", json.dumps({"code": "print('x' * 9000)"}))
    await model.play(ScriptedReply(tool_calls=(call,)), ScriptedReply(text="Done."))
    async with Page(address(running)) as page:
        key = "web:00000000-0000-4000-8000-000000000009"
        await page.say(key, "Print much.")
        assert await page.answers(key, 1) == ["Done."]
    output = (await model.requests())[-1]["messages"][-1]["content"]
    assert "[7 KiB left out]" in output
    assert len(output) < 1200
    await model.aclose()
