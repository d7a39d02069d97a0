"""Python functions serve a run: described by their types, called at once, and never the end of it."""

import asyncio
import json
import threading
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field

from assistants.connector import AssistantsClient, RequestTimeoutError, Toolbox, polling
from assistants.contract import RequestedCall
from tests.connector.objects import run
from tests.connector.server import Server, js, refusal


class Place(BaseModel):
    city: str
    country: str = "DE"


async def temperature(place: Place, unit: Annotated[Literal["C", "F"], Field(description="Celsius or…")] = "C") -> str:
    """The temperature at a place."""
    return f"12 °{unit} in {place.city}, {place.country}"


def rain(city: str, days: list[int] | None = None) -> dict[str, Any]:
    """How likely rain is."""
    return {"city": city, "days": days or [0], "thread": threading.current_thread() is threading.main_thread()}


def broken(city: str) -> str:
    raise LookupError(f"no station in {city}")


def call(id_: str, name: str, arguments: str) -> dict[str, Any]:
    return {"id": id_, "type": "function", "function": {"name": name, "arguments": arguments}}


async def said(name: str, arguments: str, *functions: Any) -> str:
    toolbox = Toolbox(functions or (temperature, rain, broken))
    (output,) = await toolbox.outputs([RequestedCall.model_validate(call("call_1", name, arguments))])
    assert output.tool_call_id == "call_1"
    return output.output


def test_a_function_is_described_by_its_signature() -> None:
    (tool, _) = Toolbox([temperature, rain]).tools
    said = tool.wire()["function"]
    assert (said["name"], said["description"]) == ("temperature", "The temperature at a place.")
    assert said["parameters"]["required"] == ["place"]
    assert said["parameters"]["properties"]["unit"] == {
        "default": "C",
        "description": "Celsius or…",
        "enum": ["C", "F"],
        "type": "string",
    }
    assert said["parameters"]["$defs"]["Place"]["properties"]["country"] == {"default": "DE", "type": "string"}
    assert said["parameters"]["additionalProperties"] is False
    assert "title" not in said["parameters"]


async def test_arguments_arrive_as_their_types_and_results_as_text() -> None:
    assert await said("temperature", '{"place": {"city": "Ulm"}, "unit": "F"}') == "12 °F in Ulm, DE"
    assert json.loads(await said("rain", '{"city": "Ulm", "days": [1, 2]}')) == {
        "city": "Ulm",
        "days": [1, 2],
        "thread": False,
    }
    assert await said("nothing", "", nothing) == "null"


def nothing() -> None: ...


@pytest.mark.parametrize(
    ("name", "arguments", "error"),
    [
        ("broken", '{"city": "Ulm"}', "LookupError: no station in Ulm"),
        ("rain", "{}", "city: Field required"),
        ("rain", '{"city": "Ulm", "hour": 3}', "hour: Extra inputs are not permitted"),
        ("rain", '{"city": ', "Invalid JSON"),
        ("snow", "{}", "There is no function 'snow'; there are temperature, rain, broken."),
    ],
)
async def test_what_goes_wrong_is_told_to_the_model(name: str, arguments: str, error: str) -> None:
    assert json.loads(await said(name, arguments))["error"].startswith(error)


def test_what_a_model_could_not_call_is_refused() -> None:
    def untyped(city): ...  # type: ignore[no-untyped-def]

    def variadic(*cities: str) -> None: ...

    with pytest.raises(ValueError, match="its argument 'city' has no type"):
        Toolbox([untyped])
    with pytest.raises(ValueError, match="is no argument that has a name"):
        Toolbox([variadic])
    with pytest.raises(ValueError, match="Two functions are called 'rain'"):
        Toolbox([rain, rain])


def waits(*calls: dict[str, Any], status: str = "requires_action") -> dict[str, Any]:
    action = {"type": "submit_tool_outputs", "submit_tool_outputs": {"tool_calls": list(calls)}}
    return run(status, required_action=action)


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    async def pause(_: float) -> None: ...

    monkeypatch.setattr(polling, "sleep", pause)


async def test_a_run_is_driven_to_its_end(server: Server, client: AssistantsClient) -> None:
    both = asyncio.Barrier(2)

    async def meet(name: str) -> str:
        async with asyncio.timeout(10):
            await both.wait()  # only calls that run side by side get past here
        return f"Hello {name}"

    calls = [call("call_1", "meet", '{"name": "Ada"}'), call("call_2", "meet", '{"name": "Eve"}')]
    server.will(
        js(run("queued")), js(run("in_progress")), js(waits(*calls)), js(run("queued")),
        js(waits(call("call_3", "gone", "{}"))), js(run("queued")), js(run("completed")),
    )  # fmt: skip
    tools: list[dict[str, Any]] = [{"type": "code_interpreter"}]
    ended = await client.threads.runs.run_tools("thread_1", assistant_id="asst_1", functions=[meet], tools=tools)
    assert ended.status == "completed"
    created, _, _, first, _, second, _ = server.asked
    assert [tool["type"] for tool in created.body["tools"]] == ["code_interpreter", "function"]
    assert first.body["tool_outputs"] == [
        {"tool_call_id": "call_1", "output": "Hello Ada"},
        {"tool_call_id": "call_2", "output": "Hello Eve"},
    ]
    assert "There is no function 'gone'" in second.body["tool_outputs"][0]["output"]


async def test_outputs_of_unknown_fate_are_given_again_only_if_the_run_still_waits(
    server: Server, client: AssistantsClient
) -> None:
    waiting = waits(call("call_1", "nothing", "{}"))
    server.will(js(run("queued")), js(waiting), None, js(run("queued")), js(run("completed")))
    await client.threads.runs.run_tools("thread_1", assistant_id="asst_1", functions=[nothing])
    assert [asked.method for asked in server.asked] == ["POST", "GET", "POST", "GET", "GET"]
    server.asked.clear()
    server.will(js(waiting), refusal(500, "Oh."), js(waiting), js(run("queued")), js(run("completed")))
    await client.threads.runs.drive(await _found(client, server), [nothing])
    assert [asked.method for asked in server.asked[1:]] == ["GET", "POST", "GET", "POST", "GET"]


async def _found(client: AssistantsClient, server: Server) -> Any:
    server.answers.insert(0, js(run("queued")))
    return await client.threads.runs.retrieve("thread_1", "run_1")


@pytest.mark.parametrize("where", ["in a function", "at the server"])
async def test_time_that_is_up_cancels_the_run(server: Server, client: AssistantsClient, where: str) -> None:
    async def slow() -> None:
        await asyncio.Event().wait()

    waiting = waits(call("call_1", "slow", "{}"))
    server.will(
        js(run("queued")), js(waiting if where == "in a function" else run("in_progress")), js(run("cancelling"))
    )
    with pytest.raises(RequestTimeoutError):
        await client.threads.runs.run_tools("thread_1", assistant_id="asst_1", functions=[slow], deadline=0)
    assert server.asked[-1].path == "/v1/threads/thread_1/runs/run_1/cancel"


async def test_a_name_the_api_does_not_allow_is_refused_before_it_is_sent(
    server: Server, client: AssistantsClient
) -> None:
    def grüßen() -> None: ...

    with pytest.raises(ValueError, match="pattern"):
        await client.threads.runs.run_tools("thread_1", assistant_id="asst_1", functions=[grüßen])
    assert server.asked == []
