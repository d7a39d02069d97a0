"""The connector against our own service, as a program on a real port."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from assistants.connector import AssistantsClient, NotFoundError, RunInWrongStateError, ThreadLockedError
from assistants.service.scripted import ScriptedCall, ScriptedReply
from tests.connector.test_examples import example
from tests.processes import threadline
from tests.scripted import Model, connecting

KEY = "sk-ours"
CALLS = (
    ScriptedCall("get_current_temperature", '{"location": "San Francisco, CA", "unit": "Fahrenheit"}', id="call_1"),
    ScriptedCall("get_rain_probability", '{"location": "San Francisco, CA"}', id="call_2"),
)


@pytest.fixture(scope="module")
def service(model_address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a service with a scripted model behind it."""
    folder = tmp_path_factory.mktemp("service")
    program = threadline("serve", env={"THREADLINE_API_KEYS": KEY, **connecting(model_address)}, cwd=folder)
    try:
        yield program.line("Threadline is at ").split()[-1]
    finally:
        program.end()


@pytest.fixture
async def client(service: str) -> AsyncIterator[AssistantsClient]:
    async with AssistantsClient(f"{service}/v1", KEY) as client:
        yield client


async def test_the_weather_bot_calls_both_functions(service: str, model: Model) -> None:
    await model.play(ScriptedReply(tool_calls=CALLS), ScriptedReply(text="57 degrees, and no rain."))
    said = await example("weather.py", f"{service}/v1", KEY)
    assert said.splitlines() == ["The run is completed. ", "57 degrees, and no rain."]
    told = (await model.requests())[-1]
    outputs = {message["tool_call_id"]: message["content"] for message in told["messages"] if message["role"] == "tool"}
    assert outputs == {"call_1": "57 degrees Fahrenheit in San Francisco, CA", "call_2": "0.06"}
    assert {tool["function"]["name"] for tool in told["tools"]} == {"get_current_temperature", "get_rain_probability"}


async def asked(client: AssistantsClient, question: str = "Hi") -> tuple[str, str]:
    assistant = await client.assistants.create(model="default")
    thread = await client.threads.create(messages=[{"role": "user", "content": question}])
    return thread.id, assistant.id


async def test_a_stream_comes_to_what_the_thread_says(client: AssistantsClient, model: Model) -> None:
    await model.play(ScriptedReply(text="one two three"))
    thread_id, assistant_id = await asked(client)
    async with client.threads.runs.stream(thread_id, assistant_id=assistant_id) as stream:
        snapshot = await stream.final()
    assert not stream.recovered
    messages = [message async for message in client.threads.messages.list(thread_id, run_id=stream.run_id)]
    steps = [step async for step in client.threads.runs.steps.list(thread_id, stream.run_id or "")]
    assert snapshot.text == "one two three"
    assert [message.wire() for message in snapshot.messages] == [message.wire() for message in messages]
    assert [step.wire() for step in snapshot.steps] == [step.wire() for step in steps]


async def test_calls_grow_in_the_stream_and_outputs_go_on_in_another(client: AssistantsClient, model: Model) -> None:
    await model.play(ScriptedReply(tool_calls=CALLS[:1]), ScriptedReply(text="Mild."))
    thread_id, assistant_id = await asked(client)
    tool: dict[str, Any] = {"type": "function", "function": {"name": "get_current_temperature"}}
    async with client.threads.runs.stream(thread_id, assistant_id=assistant_id, tools=[tool]) as stream:
        waiting = (await stream.final()).run
    assert waiting is not None
    assert waiting.required_action is not None
    (call,) = waiting.required_action.submit_tool_outputs.tool_calls
    assert call.function.arguments == CALLS[0].arguments
    with pytest.raises(ThreadLockedError) as locked:
        await client.threads.messages.create(thread_id, content="And now?")
    assert locked.value.run_id == waiting.id
    outputs = [{"tool_call_id": call.id, "output": "14 °C"}]
    async with client.threads.runs.submit_and_stream(thread_id, waiting.id, tool_outputs=outputs) as stream:
        assert [text async for text in stream.texts()] == ["Mild."]
    with pytest.raises(RunInWrongStateError) as late:
        await client.threads.runs.cancel(thread_id, waiting.id)
    assert late.value.run_status == "completed"


async def test_a_run_is_found_again_by_its_metadata(client: AssistantsClient, model: Model) -> None:
    thread_id, assistant_id = await asked(client)
    run = await client.threads.runs.create(thread_id, assistant_id=assistant_id, metadata={"turn": "7.1"})
    await client.threads.runs.wait(thread_id, run.id)
    found = await client.threads.runs.list(thread_id).find({"turn": "7.1"})
    assert found is not None
    assert found.id == run.id
    assert await client.threads.runs.list(thread_id).find({"turn": "7.2"}) is None


async def test_what_is_not_there_is_said_in_the_words_of_the_api(client: AssistantsClient) -> None:
    with pytest.raises(NotFoundError, match="No thread found with id 'thread_none'"):
        await client.threads.retrieve("thread_none")
