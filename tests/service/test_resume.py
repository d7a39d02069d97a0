"""A run outlives the process that works on it, and the readers that watch it."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from assistants.contract import BETA, BETA_HEADER, TERMINAL, Run, ToolOutput
from assistants.service import store
from assistants.service.app import Service, create_service
from assistants.service.asgi_transport import LocalTransport
from assistants.service.chat import ChatCompletions
from assistants.service.endpoints import Endpoint
from assistants.service.models import Models
from assistants.service.scripted import ScriptedCall, ScriptedModel, ScriptedReply
from assistants.service.tokens import FIRST_RATE
from storage.database import Database
from storage.sqlite import SQLiteDatabase

PROGRAM = ("-m", "tests.service.program")


@asynccontextmanager
async def process(*command: str) -> AsyncIterator[tuple[Any, str]]:
    """A program that says its address on its first line; killed at the end if it still lives."""
    child = await asyncio.create_subprocess_exec(sys.executable, *command, stdout=subprocess.PIPE)
    assert child.stdout is not None
    try:
        yield child, (await child.stdout.readline()).decode().strip()
    finally:
        if child.returncode is None:
            child.kill()
        await child.wait()


def client_of(address: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=address, headers={BETA_HEADER: BETA}, trust_env=False, timeout=60)


async def ended(http: httpx.AsyncClient, run: dict[str, Any]) -> dict[str, Any]:
    """The run once it has ended, polled as every client does."""
    while True:
        now: dict[str, Any] = (await http.get(f"/threads/{run['thread_id']}/runs/{run['id']}")).json()
        if now["status"] in TERMINAL:
            return now
        await asyncio.sleep(0.01)


async def reached(http: httpx.AsyncClient, run: dict[str, Any], status: str) -> None:
    """Return once the run is in this state."""
    while True:
        if (await http.get(f"/threads/{run['thread_id']}/runs/{run['id']}")).json()["status"] == status:
            return
        await asyncio.sleep(0.01)


async def answers(http: httpx.AsyncClient, thread: str) -> list[tuple[str, str, str]]:
    messages = (await http.get(f"/threads/{thread}/messages")).json()["data"]
    return [(m["id"], m["status"], m["content"][0]["text"]["value"]) for m in messages if m["role"] == "assistant"]


async def ask(http: httpx.AsyncClient, **more: Any) -> dict[str, Any]:
    """A run on a new thread, created without a stream."""
    assistant = (await http.post("/assistants", json={"model": "default"})).json()
    body = {"assistant_id": assistant["id"], "thread": {"messages": [{"role": "user", "content": "count"}]}, **more}
    run: dict[str, Any] = (await http.post("/threads/runs", json=body)).json()
    return run


@pytest.fixture
async def model() -> AsyncIterator[httpx.AsyncClient]:
    """The scripted model as its own process, which a kill of the service leaves alone."""
    async with (
        process("-m", "assistants.service.scripted") as (_, address),
        httpx.AsyncClient(base_url=address, trust_env=False, timeout=60) as control,
    ):
        yield control


async def test_an_answer_interrupted_by_sigkill_is_written_once_in_its_place(
    model: httpx.AsyncClient, tmp_path: Path
) -> None:
    file, at = str(tmp_path / "service.db"), str(model.base_url).rstrip("/")
    await model.post("/script", json=[{"text": "one two three", "hold_after": 2}, {"text": "four five"}])
    async with process(*PROGRAM, file, at) as (child, address), client_of(address) as http:
        run = await ask(http)
        await model.get("/held")
        ((half, status, _),) = await half_written(http, run)
        assert status == "in_progress"
        os.kill(child.pid, signal.SIGKILL)
        await child.wait()
    async with process(*PROGRAM, file, at) as (_, address), client_of(address) as http:
        assert (await ended(http, run))["status"] == "completed"
        assert await answers(http, run["thread_id"]) == [(half, "completed", "four five")]
        steps = (await http.get(f"/threads/{run['thread_id']}/runs/{run['id']}/steps")).json()["data"]
        assert [step["status"] for step in steps] == ["completed"]
    assert len((await model.get("/requests")).json()) == 2


async def half_written(http: httpx.AsyncClient, run: dict[str, Any]) -> list[tuple[str, str, str]]:
    """The messages of the run, as soon as there is one."""
    while True:
        messages = (await http.get(f"/threads/{run['thread_id']}/messages", params={"run_id": run["id"]})).json()
        if messages["data"]:
            return [(message["id"], message["status"], "") for message in messages["data"]]
        await asyncio.sleep(0.01)


async def test_a_run_still_requires_action_after_sigkill(model: httpx.AsyncClient, tmp_path: Path) -> None:
    file, at = str(tmp_path / "service.db"), str(model.base_url).rstrip("/")
    await model.post("/script", json=[{"tool_calls": [{"name": "now", "id": "call_1"}]}, {"text": "It is noon."}])
    tools = [{"type": "function", "function": {"name": "now"}}]
    async with process(*PROGRAM, file, at) as (child, address), client_of(address) as http:
        stream = await http.post("/threads/runs", json=(await body_of(http)) | {"tools": tools, "stream": True})
        assert "event: thread.run.requires_action\n" in stream.text
        os.kill(child.pid, signal.SIGKILL)
        await child.wait()
    async with process(*PROGRAM, file, at) as (_, address), client_of(address) as http:
        thread = (await first_run(lines_of(stream)))["thread_id"]
        run = (await http.get(f"/threads/{thread}/runs")).json()["data"][0]
        assert run["status"] == "requires_action"
        outputs = {"tool_outputs": [{"tool_call_id": "call_1", "output": "12:00"}]}
        await http.post(f"/threads/{thread}/runs/{run['id']}/submit_tool_outputs", json=outputs)
        assert (await ended(http, run))["status"] == "completed"
        assert [text for _, _, text in await answers(http, thread)] == ["It is noon."]


async def test_code_that_was_running_at_sigkill_is_run_again_in_its_step(
    model: httpx.AsyncClient, tmp_path: Path
) -> None:
    """Its session ended with the process, and nothing outside the sandbox saw it, so running it again is safe."""
    if shutil.which("bwrap") is None:
        pytest.skip("bubblewrap is not installed")
    file, at = str(tmp_path / "service.db"), str(model.base_url).rstrip("/")
    code = "open('out.csv', 'w').write('a')\nimport time\ntime.sleep(2)\nprint('done')"
    calls = [{"name": "code_interpreter", "id": "call_1", "arguments": json.dumps({"code": code})}]
    await model.post("/script", json=[{"tool_calls": calls}, {"text": "There."}])
    async with process(*PROGRAM, file, at) as (child, address), client_of(address) as http:
        run = await ask(http, tools=[{"type": "code_interpreter"}])
        steps = f"/threads/{run['thread_id']}/runs/{run['id']}/steps"
        begun = await begun_steps(http, steps)
        os.kill(child.pid, signal.SIGKILL)
        await child.wait()
    assert [step["status"] for step in begun] == ["in_progress"]
    async with process(*PROGRAM, file, at) as (_, address), client_of(address) as http:
        assert (await ended(http, run))["status"] == "completed"
        first, _ = (await http.get(steps, params={"order": "asc"})).json()["data"]
        assert (first["id"], first["status"]) == (begun[0]["id"], "completed")
        outputs = first["step_details"]["tool_calls"][0]["code_interpreter"]["outputs"]
        assert outputs == [{"type": "logs", "logs": "done\n"}]
        written = (await http.get("/files")).json()["data"]
        assert [file["filename"] for file in written] == ["out.csv"]
        texts = [text for _, _, text in await answers(http, run["thread_id"])]
        assert texts == ["There.\n\n[out.csv](sandbox:/mnt/data/out.csv)"]
    assert len((await model.get("/requests")).json()) == 2


async def begun_steps(http: httpx.AsyncClient, steps: str) -> list[dict[str, Any]]:
    """The steps of a run, as soon as there is one."""
    while True:
        found: list[dict[str, Any]] = (await http.get(steps)).json()["data"]
        if found:
            return found
        await asyncio.sleep(0.01)


async def lines_of(response: httpx.Response) -> AsyncIterator[str]:
    for line in response.text.splitlines():
        yield line


async def body_of(http: httpx.AsyncClient) -> dict[str, Any]:
    assistant = (await http.post("/assistants", json={"model": "default"})).json()
    return {"assistant_id": assistant["id"], "thread": {"messages": [{"role": "user", "content": "count"}]}}


@asynccontextmanager
async def at_work(
    file: Path, script: ScriptedModel, model: str = "scripted"
) -> AsyncIterator[tuple[Service, Database, httpx.AsyncClient]]:
    """A service on a file, in this process, left as a process leaves it that ends."""
    database = SQLiteDatabase.open(file)
    models = Models()
    endpoint = Endpoint("http://model.test/v1", "", model)
    models.connect(ChatCompletions(endpoint, transport=LocalTransport(script.app)), endpoint.name)
    service = create_service(database, models)
    headers = {BETA_HEADER: BETA}
    local = LocalTransport(service.app)
    async with httpx.AsyncClient(transport=local, base_url="http://local/v1", headers=headers) as http:
        yield service, database, http
        await service.stop()
    await database.close()


async def test_a_run_left_cancelling_is_cancelled_at_the_next_start(tmp_path: Path) -> None:
    script = ScriptedModel(ScriptedReply(text="one two", hold_after=1))
    async with at_work(tmp_path / "s.db", script) as (_, database, http):
        run = await ask(http)
        await half_written(http, run)
        # Only the row is written: as if the process ended before the run's task heard of it.
        await database.write(store.cancel, run["thread_id"], run["id"])
    async with at_work(tmp_path / "s.db", script) as (service, _, http):
        await service.start()
        assert (await ended(http, run))["status"] == "cancelled"
        message = (await http.get(f"/threads/{run['thread_id']}/messages")).json()["data"][0]
        assert (message["status"], message["incomplete_details"]) == ("incomplete", {"reason": "run_cancelled"})
    assert len(script.requests) == 1


async def test_a_run_left_queued_with_its_outputs_goes_on_at_the_next_start(tmp_path: Path) -> None:
    script = ScriptedModel(ScriptedReply(tool_calls=(ScriptedCall("now", id="call_1"),)), ScriptedReply(text="Noon."))
    tools = [{"type": "function", "function": {"name": "now"}}]
    async with at_work(tmp_path / "s.db", script) as (_, database, http):
        run = await ask(http, tools=tools)
        await reached(http, run, "requires_action")
        outputs = [ToolOutput(tool_call_id="call_1", output="12:00")]
        # Only the rows are written: as if the process ended before the run's task heard of it.
        await database.write(store.submit, run["thread_id"], run["id"], outputs, "default")
    async with at_work(tmp_path / "s.db", script) as (service, _, http):
        assert (await http.get(f"/threads/{run['thread_id']}/runs/{run['id']}")).json()["status"] == "queued"
        await service.start()
        assert (await ended(http, run))["status"] == "completed"
        assert [text for _, _, text in await answers(http, run["thread_id"])] == ["Noon."]
    assert script.requests[1]["messages"][-1] == {"role": "tool", "tool_call_id": "call_1", "content": "12:00"}


async def test_what_was_said_before_calls_that_never_came_is_written_anew_in_its_place(tmp_path: Path) -> None:
    """Words and calls are one answer: a model that was killed between them gives both again, and people read one."""
    call = ScriptedCall("now", id="call_1")
    half = ScriptedReply(text="Let me look.", tool_calls=(call,), hold_after=4)
    script = ScriptedModel(half, ScriptedReply(text="Let me look.", tool_calls=(call,)))
    tools = [{"type": "function", "function": {"name": "now"}}]
    async with at_work(tmp_path / "s.db", script) as (_, _, http):
        run = await ask(http, tools=tools)
        await script.held()
        ((message, _, _),) = await half_written(http, run)
    async with at_work(tmp_path / "s.db", script) as (service, _, http):
        await service.start()
        await reached(http, run, "requires_action")
        assert await answers(http, run["thread_id"]) == [(message, "completed", "Let me look.")]


async def test_a_run_that_was_cancelled_while_its_last_word_came_is_cancelled(tmp_path: Path) -> None:
    script = ScriptedModel(ScriptedReply(text="one two", hold_after=1))
    async with at_work(tmp_path / "s.db", script) as (_, database, http):
        run = await ask(http)
        await half_written(http, run)
        await database.write(store.cancel, run["thread_id"], run["id"])
        script.release()
        assert (await ended(http, run))["status"] == "cancelled"
        assert [(status, text) for _, status, text in await answers(http, run["thread_id"])] == [
            ("incomplete", "one two")
        ]


async def test_a_run_whose_time_ran_out_meanwhile_expires_at_the_next_start(tmp_path: Path) -> None:
    script = ScriptedModel(ScriptedReply(text="one two", hold_after=1))
    async with at_work(tmp_path / "s.db", script) as (_, database, http):
        run = await ask(http)
        await half_written(http, run)
        await database.write(store.modify, Run, run["id"], {"expires_at": run["created_at"]})
    async with at_work(tmp_path / "s.db", script) as (service, _, http):
        await service.start()
        late = await ended(http, run)
        assert (late["status"], late["expires_at"]) == ("expired", None)
    assert len(script.requests) == 1


async def test_a_run_continues_when_its_reader_disconnects(http: httpx.AsyncClient, script: ScriptedModel) -> None:
    script.play(ScriptedReply(text="one two three", hold_after=1))
    async with http.stream("POST", "/threads/runs", json=(await body_of(http)) | {"stream": True}) as response:
        lines = response.aiter_lines()
        run = await first_run(lines)
        async for line in lines:
            if line == "event: thread.message.delta":
                break
    script.release()
    assert (await ended(http, run))["status"] == "completed"
    assert [text for _, _, text in await answers(http, run["thread_id"])] == ["one two three"]


async def first_run(lines: AsyncIterator[str]) -> dict[str, Any]:
    """The run as the stream's first event about it shows it."""
    async for line in lines:
        if line.startswith("data: ") and '"object":"thread.run"' in line:
            run: dict[str, Any] = json.loads(line.removeprefix("data: "))
            return run
    raise AssertionError("no run in the stream")


async def test_a_slow_reader_does_not_slow_a_run(http: httpx.AsyncClient, script: ScriptedModel) -> None:
    script.play(ScriptedReply(chunks=tuple(f"word{n} " * 50 for n in range(2000))))
    async with http.stream("POST", "/threads/runs", json=(await body_of(http)) | {"stream": True}) as response:
        lines = response.aiter_lines()
        run = await first_run(lines)
        assert (await ended(http, run))["status"] == "completed"
        rest = [line async for line in lines]
    assert sum(line == "event: thread.message.delta" for line in rest) == 2000
    assert rest[-3:-1] == ["event: done", "data: [DONE]"]


async def test_two_hundred_streams_grow_at_once_and_none_waits_for_another(
    tcp: httpx.AsyncClient, script: ScriptedModel
) -> None:
    """Every stream is held after its first word until the last of them has had its own."""
    script.play(*(ScriptedReply(text="one two three", hold_after=1) for _ in range(200)))
    body = (await body_of(tcp)) | {"stream": True}
    begun = asyncio.Barrier(201)

    async def read(http: httpx.AsyncClient) -> str:
        async with http.stream("POST", "/threads/runs", json=body) as response:
            lines = response.aiter_lines()
            async for line in lines:
                if line == "event: thread.message.delta":
                    break
            await begun.wait()
            return "\n".join([line async for line in lines])

    many = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(
        base_url=tcp.base_url, headers=tcp.headers, limits=many, timeout=60, trust_env=False
    ) as http:
        readers = [asyncio.create_task(read(http)) for _ in range(200)]
        await begun.wait()
        script.release()
        assert all("event: thread.run.completed\n" in text for text in await asyncio.gather(*readers))


async def test_what_was_learnt_of_a_models_tokens_outlives_the_process(tmp_path: Path) -> None:
    file, script = tmp_path / "s.db", ScriptedModel()
    async with at_work(file, script) as (service, _, http):
        await service.start()
        await ended(http, await ask(http, thread={"messages": [{"role": "user", "content": "many words " * 200}]}))
        learnt = service.models.measure("default").gauge.rate
        assert learnt != FIRST_RATE
    async with at_work(file, script) as (service, _, _):
        await service.start()
        assert service.models.measure("default").gauge.rate == learnt
    async with at_work(file, script, "another") as (service, _, _):
        await service.start()
        assert service.models.measure("default").gauge.rate == FIRST_RATE
