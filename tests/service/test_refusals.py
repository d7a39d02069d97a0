"""What cannot be is refused in the API's own words."""

import asyncio
from typing import Any

import httpx
import pytest

from assistants.contract import BETA_HEADER
from assistants.service.scripted import ScriptedCall, ScriptedModel, ScriptedReply

NOBODY = "asst_nobody"
NOWHERE = "thread_nowhere"
QUESTION = {"role": "user", "content": "?"}


async def thread_with_run(http: httpx.AsyncClient, **assistant: Any) -> tuple[str, str]:
    """A new thread and the id of a run that was just created on it."""
    made = (await http.post("/assistants", json={"model": "default", **assistant})).json()
    body = {"assistant_id": made["id"], "thread": {"messages": [QUESTION]}}
    run = (await http.post("/threads/runs", json=body)).json()
    return run["thread_id"], run["id"]


def error(answer: httpx.Response) -> tuple[int, str, str | None]:
    said = answer.json()["error"]
    assert said["type"] == "invalid_request_error"
    return answer.status_code, said["message"], said["code"]


async def test_a_thread_is_locked_while_a_run_is_active(http: httpx.AsyncClient, script: ScriptedModel) -> None:
    script.play(ScriptedReply(text="one two", hold_after=1))
    thread, run = await thread_with_run(http)
    await script.held()
    message = await http.post(f"/threads/{thread}/messages", json=QUESTION)
    assert error(message) == (400, f"Can't add messages to {thread} while a run {run} is active.", None)
    assistant = (await http.post("/assistants", json={"model": "default"})).json()["id"]
    second = await http.post(
        f"/threads/{thread}/runs", json={"assistant_id": assistant, "additional_messages": [QUESTION]}
    )
    assert error(second) == (400, f"Thread {thread} already has an active run {run}.", None)
    questions = (await http.get(f"/threads/{thread}/messages")).json()["data"]
    assert sum(message["role"] == "user" for message in questions) == 1
    outputs = await http.post(f"/threads/{thread}/runs/{run}/submit_tool_outputs", json={"tool_outputs": []})
    assert error(outputs) == (400, 'Runs in status "in_progress" do not accept tool outputs.', None)
    script.release()


async def test_only_one_of_many_runs_asked_for_at_once_is_created(
    http: httpx.AsyncClient, script: ScriptedModel
) -> None:
    script.play(ScriptedReply(text="one two", hold_after=1))
    assistant = (await http.post("/assistants", json={"model": "default"})).json()["id"]
    thread = (await http.post("/threads", json={})).json()["id"]
    body = {"assistant_id": assistant, "additional_messages": [QUESTION]}
    answers = await asyncio.gather(*(http.post(f"/threads/{thread}/runs", json=body) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 9
    asked = (await http.get(f"/threads/{thread}/messages")).json()["data"]
    assert sum(message["role"] == "user" for message in asked) == 1
    script.release()


async def test_outputs_must_be_complete(http: httpx.AsyncClient, script: ScriptedModel) -> None:
    script.play(ScriptedReply(tool_calls=(ScriptedCall("f", id="call_a"), ScriptedCall("f", id="call_b"))))
    assistant = (
        await http.post(
            "/assistants", json={"model": "default", "tools": [{"type": "function", "function": {"name": "f"}}]}
        )
    ).json()["id"]
    stream = await http.post("/threads/runs", json={"assistant_id": assistant, "stream": True})
    assert "event: thread.run.requires_action\n" in stream.text
    thread = stream.text.split('"thread_id":"')[1].split('"')[0]
    run = (await http.get(f"/threads/{thread}/runs")).json()["data"][0]["id"]
    answer = await http.post(
        f"/threads/{thread}/runs/{run}/submit_tool_outputs",
        json={"tool_outputs": [{"tool_call_id": "call_a", "output": "1"}]},
    )
    wanted = "Expected tool outputs for call_ids ['call_a', 'call_b'], got ['call_a']"
    assert error(answer) == (400, wanted, None)


@pytest.mark.parametrize(
    ("method", "path", "body", "expected"),
    [
        ("GET", f"/threads/{NOWHERE}", None, (404, f"No thread found with id '{NOWHERE}'.", None)),
        ("GET", f"/threads/{NOWHERE}/messages", None, (404, f"No thread found with id '{NOWHERE}'.", None)),
        ("POST", f"/threads/{NOWHERE}/messages", QUESTION, (404, f"No thread found with id '{NOWHERE}'.", None)),
        ("GET", f"/threads/{NOWHERE}/runs/run_x", None, (404, f"No thread found with id '{NOWHERE}'.", None)),
        ("POST", f"/threads/{NOWHERE}/runs/run_x/cancel", None, (404, f"No thread found with id '{NOWHERE}'.", None)),
        ("GET", f"/assistants/{NOBODY}", None, (404, f"No assistant found with id '{NOBODY}'.", None)),
        ("DELETE", f"/assistants/{NOBODY}", None, (404, f"No assistant found with id '{NOBODY}'.", None)),
        ("POST", "/threads/runs", {"assistant_id": NOBODY}, (404, f"No assistant found with id '{NOBODY}'.", None)),
        (
            "GET",
            "/threads/undefined",
            None,
            (400, "Invalid 'thread_id': 'undefined'. Expected an ID that begins with 'thread'.", "invalid_value"),
        ),
        (
            "POST",
            "/threads/runs",
            {"assistant_id": "math"},
            (400, "Invalid 'assistant_id': 'math'. Expected an ID that begins with 'asst'.", "invalid_value"),
        ),
        (
            "POST",
            f"/threads/{NOWHERE}/runs",
            {},
            (400, "Missing required parameter: 'assistant_id'.", "missing_required_parameter"),
        ),
        (
            "POST",
            "/assistants",
            {"model": "m", "colour": "red"},
            (400, "Unknown parameter: 'colour'.", "unknown_parameter"),
        ),
        (
            "POST",
            "/assistants",
            {"model": "m", "name": "n" * 257},
            (
                400,
                "Invalid 'name': string too long. Expected a string with maximum length 256, "
                "but got a string with length 257 instead.",
                "string_above_max_length",
            ),
        ),
        (
            "POST",
            "/threads",
            {"metadata": {str(n): "" for n in range(17)}},
            (
                400,
                "Invalid 'metadata': too many properties. Expected an object with at most 16 properties, "
                "but got an object with 17 properties instead.",
                "object_above_max_properties",
            ),
        ),
        (
            "GET",
            "/assistants?limit=101",
            None,
            (
                400,
                "Invalid 'limit': integer above maximum value. Expected a value <= 100, but got 101 instead.",
                "integer_above_max_value",
            ),
        ),
        (
            "GET",
            "/assistants?limit=0",
            None,
            (
                400,
                "Invalid 'limit': integer below minimum value. Expected a value >= 1, but got 0 instead.",
                "integer_below_min_value",
            ),
        ),
        (
            "GET",
            "/assistants?order=up",
            None,
            (400, "Invalid value: 'up'. Supported values are: 'asc', 'desc'.", "invalid_value"),
        ),
        ("GET", "/assistants?colour=red", None, (400, "Unknown parameter: 'colour'.", "unknown_parameter")),
        # Files are listed forwards alone.
        ("GET", "/files?before=file-1", None, (400, "Unknown parameter: 'before'.", "unknown_parameter")),
        ("GET", "/models?limit=1", None, (400, "Unknown parameter: 'limit'.", "unknown_parameter")),
        (
            "POST",
            "/assistants",
            {"model": ""},
            (
                400,
                "Invalid 'model': empty string. Expected a string with minimum length 1, "
                "but got an empty string instead.",
                "empty_string",
            ),
        ),
        ("GET", "/assistants?after=asst_gone", None, (404, "No assistant found with id 'asst_gone'.", None)),
        (
            "POST",
            "/threads",
            {"messages": [QUESTION | {"attachments": [{"file_id": "file-1", "tools": []}]}]},
            (404, "No file found with id 'file-1'.", None),
        ),
        ("GET", "/nowhere", None, (404, "Invalid URL (GET /v1/nowhere)", "unknown_url")),
        ("PUT", "/assistants", None, (405, "Not allowed to PUT on /v1/assistants.", "method_not_supported")),
    ],
)
async def test_a_request_that_cannot_be_is_refused(
    http: httpx.AsyncClient, method: str, path: str, body: Any, expected: tuple[int, str, str | None]
) -> None:
    assert error(await http.request(method, path, json=body)) == expected


@pytest.mark.parametrize("header", ["", "assistants=v1", None])
async def test_the_beta_header_is_asked_for(http: httpx.AsyncClient, header: str | None) -> None:
    if header is None:
        del http.headers[BETA_HEADER]
    answer = await http.get("/assistants", headers={} if header is None else {BETA_HEADER: header})
    wanted = (
        "You must provide the 'OpenAI-Beta' header to access the Assistants API. "
        "Please try again by setting the header 'OpenAI-Beta: assistants=v2'."
    )
    assert error(answer) == (400, wanted, "invalid_beta")


async def test_a_body_that_is_not_json_is_refused(http: httpx.AsyncClient) -> None:
    answer = await http.post("/threads", content="{", headers={"content-type": "application/json"})
    assert error(answer)[0] == 400
    assert "We could not parse the JSON body of your request" in error(answer)[1]


async def test_a_message_of_another_thread_is_not_found_here(http: httpx.AsyncClient) -> None:
    threads = [(await http.post("/threads", json={"messages": [QUESTION]})).json()["id"] for _ in range(2)]
    (message,) = (await http.get(f"/threads/{threads[0]}/messages")).json()["data"]
    assert (await http.get(f"/threads/{threads[0]}/messages/{message['id']}")).status_code == 200
    assert (await http.get(f"/threads/{threads[1]}/messages/{message['id']}")).status_code == 404


async def test_a_tool_that_cannot_run_here_fails_the_run_with_a_sentence(http: httpx.AsyncClient) -> None:
    made = (await http.post("/assistants", json={"model": "m", "tools": [{"type": "code_interpreter"}]})).json()
    stream = await http.post("/threads/runs", json={"assistant_id": made["id"], "stream": True})
    assert "event: thread.run.failed\n" in stream.text
    assert "code_interpreter is not available on this server; take it out of the assistant's tools." in stream.text


async def test_a_deleted_thread_takes_everything_with_it(http: httpx.AsyncClient, database: Any) -> None:
    thread = (await http.post("/threads", json={"messages": [QUESTION] * 150})).json()["id"]
    for _ in range(100):
        await http.post(f"/threads/{thread}/messages", json=QUESTION)
    assert (await http.delete(f"/threads/{thread}")).json() == {
        "id": thread,
        "object": "thread.deleted",
        "deleted": True,
    }
    assert await database.read("select count(*) as n from messages") == [{"n": 0}]
