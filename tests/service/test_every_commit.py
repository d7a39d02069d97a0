"""SIGKILL before and after every commit of a run and every request to its model: it goes on, and ends once."""

import asyncio
import itertools
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from assistants.contract import TERMINAL
from assistants.service.scripted import Body, ScriptedCall, ScriptedModel, ScriptedReply
from tests.processes import Process
from tests.proofs.launcher import Points, watch
from tests.service.conftest import Serve
from tests.service.program import main
from tests.service.test_resume import client_of

pytestmark = [pytest.mark.proof, pytest.mark.timeout(600)]

TOOLS = [{"type": "function", "function": {"name": "now"}}]
MOST_POINTS = 60


def watched() -> None:
    """The service, which dies at a point."""
    watch(Points())
    asyncio.run(main(os.environ["SERVICE_FILE"], os.environ["SERVICE_MODEL"]))


def noon(request: Body) -> ScriptedReply:
    """Says something and calls a function, and says what it was told; it never minds what it said itself."""
    last = request["messages"][-1]
    if last["role"] == "tool":
        return ScriptedReply(text=f"It is {last['content']}.")
    return ScriptedReply(text="Let me look.", tool_calls=(ScriptedCall("now"),))


def slow(_: Body) -> ScriptedReply:
    """Never comes to its end."""
    return ScriptedReply(text="one two three", hold_after=1)


@dataclass
class Asker:
    """Somebody who wants one run, whatever becomes of the server; every request has a key of its own."""

    thread: str
    assistant: str
    cancels: bool = False

    async def drive(self, http: httpx.AsyncClient) -> dict[str, Any]:
        """The run at its end. Raises `httpx.TransportError` where the server dies."""
        runs = f"/threads/{self.thread}/runs"
        body = {"assistant_id": self.assistant}
        run: dict[str, Any] = (await http.post(runs, json=body, headers={"idempotency-key": "run"})).json()
        while run["status"] not in TERMINAL:
            if run["status"] == "requires_action":
                calls = run["required_action"]["submit_tool_outputs"]["tool_calls"]
                outputs = {"tool_outputs": [{"tool_call_id": call["id"], "output": "noon"} for call in calls]}
                await http.post(f"{runs}/{run['id']}/submit_tool_outputs", json=outputs)
            elif self.cancels and run["status"] == "in_progress" and (await self.messages(http))[1:]:
                await http.post(f"{runs}/{run['id']}/cancel")
            await asyncio.sleep(0.01)
            run = (await http.get(f"{runs}/{run['id']}")).json()
        return run

    async def messages(self, http: httpx.AsyncClient) -> list[dict[str, Any]]:
        """Oldest first."""
        found: list[dict[str, Any]] = (await http.get(f"/threads/{self.thread}/messages?order=asc")).json()["data"]
        return found


async def address(program: Process) -> str:
    while not (said := program.output).endswith("\n"):  # noqa: ASYNC110 - another process writes it
        await asyncio.sleep(0.01)
    return said.strip()


async def prepared(program: Process, *, cancels: bool) -> Asker:
    async with client_of(await address(program)) as http:
        assistant = (await http.post("/assistants", json={"model": "default", "tools": TOOLS})).json()["id"]
        thread = {"messages": [{"role": "user", "content": "What time is it?"}]}
        return Asker((await http.post("/threads", json=thread)).json()["id"], assistant, cancels)


async def dies_and_goes_on(folder: Path, model: str, kill_at: int, *, cancels: bool) -> bool:
    """Whether it died; what there is in the end is audited either way."""
    env = {"SERVICE_FILE": str(folder / "s.db"), "SERVICE_MODEL": model, "POINTS_LOG": str(folder / "points")}
    env |= {"POINTS_ARMED": str(folder / "armed"), "POINTS_KILL": str(kill_at)}
    first = Process(env=env, cwd=folder, forks=watched)
    try:
        asker = await prepared(first, cancels=cancels)
        (folder / "armed").touch()
        async with client_of(await address(first)) as http:
            await audit(http, asker, await asker.drive(http))
            return False
    except httpx.TransportError:
        await asyncio.to_thread(first.wait)
    finally:
        await asyncio.to_thread(first.kill)
    (folder / "armed").unlink()
    second = Process(env=env, cwd=folder, forks=watched)
    try:
        async with client_of(await address(second)) as http:
            await audit(http, asker, await asker.drive(http))
    finally:
        await asyncio.to_thread(second.kill)
    return True


async def audit(http: httpx.AsyncClient, asker: Asker, run: dict[str, Any]) -> None:
    runs = (await http.get(f"/threads/{asker.thread}/runs")).json()["data"]
    assert [(one["id"], one["status"]) for one in runs] == [(run["id"], "cancelled" if asker.cancels else "completed")]
    answers = [message for message in await asker.messages(http) if message["role"] == "assistant"]
    steps = (await http.get(f"/threads/{asker.thread}/runs/{run['id']}/steps?order=asc")).json()["data"]
    assert "in_progress" not in {step["status"] for step in steps}
    written = [s["step_details"]["message_creation"]["message_id"] for s in steps if s["type"] == "message_creation"]
    assert written == [message["id"] for message in answers]
    if asker.cancels:
        assert [message["status"] for message in answers] == ["incomplete"]
        return
    assert [message["content"][0]["text"]["value"] for message in answers] == ["Let me look.", "It is noon."]
    assert {message["status"] for message in answers} == {"completed"}
    calls = [step["step_details"]["tool_calls"] for step in steps if step["type"] == "tool_calls"]
    assert [[call["function"]["output"] for call in made] for made in calls] == [["noon"]]


@pytest.mark.parametrize(("script", "cancels"), [(noon, False), (slow, True)], ids=["answered", "cancelled"])
async def test_killed_at_every_commit_a_run_continues_and_ends_once(
    script: Any, cancels: bool, serve: Serve, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scripted = ScriptedModel(script=script)
    async with serve(scripted.app) as model:
        try:
            for kill_at in itertools.count(1):
                assert kill_at < MOST_POINTS, "the walk does not end"
                folder = tmp_path / str(kill_at)
                folder.mkdir()
                if not await dies_and_goes_on(folder, model, kill_at, cancels=cancels):
                    break
        finally:
            scripted.release()
    points = (folder / "points").read_text("utf-8").splitlines()
    assert {"before commit finish", "after commit finish"} <= set(points)
    with capsys.disabled():
        print(f"\nkilled at {len(points)} points of a run, and it ended once")  # noqa: T201
