"""A model without native tools calls functions all the same: a schema makes it choose, then it answers in words."""

import json
from typing import Any

import httpx
import pytest

from assistants.service.app import Service
from assistants.service.asgi_transport import LocalTransport
from assistants.service.chat import ChatCompletions
from assistants.service.endpoints import Endpoint
from assistants.service.measures import Traits
from assistants.service.scripted import ScriptedModel, ScriptedReply
from tests.service.test_context import last_run, submit

WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather in a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
CHOSEN = '{"function": "weather", "arguments": {"city": "Oslo"}}'
NONE = '{"function": "answer", "arguments": {}}'


@pytest.fixture(autouse=True)
def plain(service: Service, script: ScriptedModel) -> None:
    endpoint = Endpoint("http://model.test/v1", "", "small")
    model = ChatCompletions(endpoint, transport=LocalTransport(script.app), back_off=0)
    service.models.register("small", model, Traits(tools=False))


async def run_of(tcp: httpx.AsyncClient, **more: Any) -> dict[str, Any]:
    assistant = (await tcp.post("/assistants", json={"model": "small", "tools": [WEATHER]})).json()["id"]
    thread = {"messages": [{"role": "user", "content": "weather in Oslo?"}]}
    return last_run(
        await tcp.post("/threads/runs", json={"assistant_id": assistant, "thread": thread, "stream": True, **more})
    )


async def test_it_chooses_calls_and_answers(tcp: httpx.AsyncClient, script: ScriptedModel) -> None:
    script.play(ScriptedReply(text=CHOSEN), ScriptedReply(text=NONE), ScriptedReply(text="It rains."))
    run = await run_of(tcp)
    (call,) = run["required_action"]["submit_tool_outputs"]["tool_calls"]
    assert call["function"] == {"name": "weather", "arguments": '{"city": "Oslo"}'}
    run = await submit(tcp, run, "rain")
    assert (run["status"], run["usage"]["completion_tokens"]) == ("completed", 5 + 4 + 2)
    choosing, again, answering = script.requests
    assert not {"tools", "tool_choice", "parallel_tool_calls"} & (set(choosing) | set(answering))
    options = choosing["response_format"]["json_schema"]["schema"]["anyOf"]
    assert [option["properties"]["function"]["const"] for option in options] == ["weather", "answer"]
    assert options[0]["properties"]["arguments"] == WEATHER["function"]["parameters"]
    assert "The weather in a city." in choosing["messages"][0]["content"]
    assert [message["role"] for message in answering["messages"]] == ["user", "assistant", "user"]
    assert "rain" in answering["messages"][-1]["content"]
    assert again["messages"][1:] == answering["messages"]


async def test_it_must_choose_where_it_must_and_need_not_where_it_may_not(
    tcp: httpx.AsyncClient, script: ScriptedModel
) -> None:
    script.play(ScriptedReply(text=CHOSEN), ScriptedReply(text="Hello."))
    assert (await run_of(tcp, tool_choice="required"))["status"] == "requires_action"
    options = script.requests[0]["response_format"]["json_schema"]["schema"]["anyOf"]
    assert [option["properties"]["function"]["const"] for option in options] == ["weather"]
    assert (await run_of(tcp, tool_choice="none"))["status"] == "completed"
    assert "response_format" not in script.requests[1]


async def test_what_is_no_choice_fails_the_run_with_a_sentence(tcp: httpx.AsyncClient, script: ScriptedModel) -> None:
    script.play(ScriptedReply(text="I would look it up."))
    run = await run_of(tcp)
    assert run["status"] == "failed"
    assert "Use a model that supports JSON schemas" in json.dumps(run["last_error"])
