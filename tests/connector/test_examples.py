"""The examples of the documentation are programs that do what they say, here on a server with a code interpreter."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.connector.objects import ASSISTANT, STEP, THREAD, deleted, listed, message, run
from tests.connector.server import Answer, Asked, Server, js, sse
from tests.connector.test_recovery import written

EXAMPLES = ROOT / "docs" / "examples"
ANSWER = "x equals 1."
CODE = "3 * 1 + 11"


async def example(name: str, base_url: str, key: str) -> str:
    """What an example prints."""
    env = {**os.environ, "ASSISTANTS_BASE_URL": base_url, "ASSISTANTS_API_KEY": key, "MODEL": "default"}
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-W", "error", str(EXAMPLES / name), env=env, cwd=ROOT,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await program.communicate()
    assert program.returncode == 0, said.decode()
    return said.decode()


def interpreted() -> Answer:
    """A run that writes code, has it run, and answers."""

    def piece(code: dict[str, Any]) -> tuple[str, Any]:
        call = {"index": 0, "id": "call_1", "type": "code_interpreter", "code_interpreter": code}
        details = {"step_details": {"type": "tool_calls", "tool_calls": [call]}}
        return "thread.run.step.delta", {"id": "step_1", "object": "thread.run.step.delta", "delta": details}

    begun = {**STEP, "status": "in_progress", "usage": None, "step_details": {"type": "tool_calls", "tool_calls": []}}
    words = {"content": [{"index": 0, "type": "text", "text": {"value": ANSWER}}]}
    events: list[tuple[str, Any]] = [
        ("thread.run.created", run("queued")),
        ("thread.run.step.created", begun),
        piece({"input": "3 * 1"}),
        piece({"input": " + 11"}),
        piece({"outputs": [{"index": 0, "type": "logs", "logs": "14"}]}),
        ("thread.message.delta", {"id": "msg_1", "object": "thread.message.delta", "delta": words}),
        ("thread.message.completed", message(text=ANSWER)),
        ("thread.run.completed", run("completed")),
        ("done", "[DONE]"),
    ]
    return sse(*written(events))


def answered(asked: Asked) -> Answer:
    match asked.method, asked.path.removeprefix("/v1/").split("/"):
        case "POST", ["assistants"]:
            return js(ASSISTANT)
        case "POST", ["threads"]:
            return js(THREAD)
        case "POST", ["threads", "runs"]:
            return interpreted()
        case "POST", ["threads", _, "messages"]:
            return js(message(text=asked.body["content"], role="user"))
        case "POST", ["threads", _, "runs"]:
            return js(run("queued"))
        case "GET", ["threads", _, "runs", _]:
            return js(run("completed"))
        case "GET", ["threads", _, "messages"]:
            return js(listed(message("msg_0", "3x + 11 = 14?", role="user"), message(text=ANSWER)))
        case "DELETE", _:
            return js(deleted("thread.deleted"))
    raise AssertionError(asked)


@pytest.fixture
def tutoring(server: Server) -> Server:
    server.answers_by = answered
    return server


async def test_the_quickstart_goes_all_its_steps(tutoring: Server) -> None:
    said = await example("quickstart.py", tutoring.url, "sk-very-secret")
    assert said.splitlines() == ["The run is completed. ", "user: 3x + 11 = 14?", f"assistant: {ANSWER}"]
    assert tutoring.asked[0].body["tools"] == [{"type": "code_interpreter"}]
    assert [asked.method for asked in tutoring.asked] == ["POST"] * 4 + ["GET"] * 2 + ["DELETE"] * 2


async def test_the_math_tutor_shows_its_words_and_its_code(tutoring: Server) -> None:
    said = await example("math_tutor.py", tutoring.url, "sk-very-secret")
    assert said.splitlines() == [ANSWER, "--- code", CODE, "--- printed", "14", "", "The run is completed. "]


def test_every_example_is_run_by_a_test() -> None:
    tests = "".join(path.read_text("utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    assert [path.name for path in EXAMPLES.glob("*.py") if f'"{path.name}"' not in tests] == []
