"""SIGKILL at any moment, again and again: nothing is said twice, nothing is lost, nothing stays open."""

import asyncio
import json
import random
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from assistants.contract import TERMINAL
from storage.sqlite import SQLiteDatabase
from tests.service.test_resume import PROGRAM, client_of, process

pytestmark = pytest.mark.proof

KILLS = 12
THREADS = 6
TOOLS = [{"type": "function", "function": {"name": "now"}}]
SAID = "one two three four five six seven eight"


class Driver:
    """Keeps a run going on every thread: starts it, answers its calls, cancels one now and then."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self.threads: list[str] = []
        self.assistant = ""

    async def prepare(self, http: httpx.AsyncClient) -> None:
        self.assistant = (await http.post("/assistants", json={"model": "default", "tools": TOOLS})).json()["id"]
        self.threads = [(await http.post("/threads", json={})).json()["id"] for _ in range(THREADS)]

    async def step(self, http: httpx.AsyncClient, thread: str, *, new: bool) -> bool:
        """Do what the thread's newest run waits for; False when there is nothing to wait for any more."""
        runs = (await http.get(f"/threads/{thread}/runs", params={"limit": 1})).json()["data"]
        status = runs[0]["status"] if runs else "completed"
        if status in TERMINAL:
            if new:
                await http.post(f"/threads/{thread}/runs", json={"assistant_id": self.assistant})
            return new
        run = f"/threads/{thread}/runs/{runs[0]['id']}"
        if self._chance.random() < 0.05 and status != "cancelling":
            await http.post(f"{run}/cancel")
        elif status == "requires_action":
            calls = runs[0]["required_action"]["submit_tool_outputs"]["tool_calls"]
            outputs = [{"tool_call_id": call["id"], "output": "noon"} for call in calls]
            await http.post(f"{run}/submit_tool_outputs", json={"tool_outputs": outputs})
        return True

    async def drive(self, http: httpx.AsyncClient, thread: str, *, new: bool) -> None:
        with suppress(httpx.TransportError):  # killed
            while True:
                if not await self.step(http, thread, new=new):
                    return
                await asyncio.sleep(0.01)


@pytest.mark.timeout(240)
async def test_killed_again_and_again_every_run_ends_once(tmp_path: Path) -> None:
    chance = random.Random(7)  # noqa: S311 - the same kills each time
    driver = Driver(chance)
    async with process("-m", "assistants.service.scripted") as (_, model):
        await script(model)
        for number in range(KILLS):
            async with (
                process(*PROGRAM, str(tmp_path / "s.db"), model) as (child, at),
                client_of(at) as http,
            ):
                if number == 0:
                    await driver.prepare(http)
                work = [asyncio.create_task(driver.drive(http, thread, new=True)) for thread in driver.threads]
                await asyncio.sleep(chance.uniform(0.05, 0.8))
                child.kill()
                await asyncio.gather(*work)
        async with (
            process(*PROGRAM, str(tmp_path / "s.db"), model) as (_, at),
            client_of(at) as http,
        ):
            await asyncio.gather(*(driver.drive(http, thread, new=False) for thread in driver.threads))
    await audit(tmp_path / "s.db")


async def script(model: str) -> None:
    """Text, calls, and text before calls, all slow enough to be killed in."""
    replies = [
        {"text": SAID, "chunk_delay": 0.02},
        {"tool_calls": [{"name": "now"}], "chunk_delay": 0.02},
        {"text": SAID, "tool_calls": [{"name": "now"}], "chunk_delay": 0.02},
    ]
    async with httpx.AsyncClient(base_url=model, trust_env=False) as http:
        await http.post("/script", json=replies * 400)


async def audit(file: Path) -> None:
    database = SQLiteDatabase.open(file)
    runs = await database.read("select * from runs")
    steps = await database.read("select * from run_steps order by seq")
    messages = {row["id"]: row for row in await database.read("select * from messages")}
    await database.close()
    assert len(runs) > THREADS
    assert Counter(row["status"] for row in runs)["completed"] > THREADS
    assert {row["status"] for row in runs} <= {"completed", "cancelled"}
    written = [details(step)["message_creation"]["message_id"] for step in steps if step["type"] == "message_creation"]
    assert sorted(written) == sorted(messages)
    assert not [step for step in steps if step["status"] == "in_progress"]
    for row in messages.values():
        text = "".join(part["text"]["value"] for part in json.loads(row["body"])["content"])
        assert row["status"] in ("completed", "incomplete")
        assert text == SAID if row["status"] == "completed" else SAID.startswith(text)
    completed = {row["id"] for row in runs if row["status"] == "completed"}
    for step in steps:
        if step["type"] == "tool_calls" and step["run_id"] in completed:
            assert [call["function"]["output"] for call in details(step)["tool_calls"]] == ["noon"]


def details(step: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(step["body"])["step_details"]
    return found
