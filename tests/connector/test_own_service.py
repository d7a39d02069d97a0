"""The connector against our own service, a program on a real port; asked again with a key, it does nothing twice."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest

from assistants.connector import AssistantsClient, NotFoundError, RunInWrongStateError, ThreadLockedError, exchange
from assistants.contract import Wire
from assistants.service.scripted import ScriptedCall, ScriptedReply
from tests.connector.service import KEY, Losing, Service
from tests.connector.test_examples import example
from tests.scripted import Model

Create = Callable[[AssistantsClient], Awaitable[Wire]]
CALLS = (
    ScriptedCall("get_current_temperature", '{"location": "San Francisco, CA", "unit": "Fahrenheit"}', id="call_1"),
    ScriptedCall("get_rain_probability", '{"location": "San Francisco, CA"}', id="call_2"),
)


@pytest.fixture(scope="module")
def service(model_address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with a scripted model behind it."""
    service = Service(model_address, tmp_path_factory.mktemp("service"))
    try:
        yield service
    finally:
        service.program.end()


@pytest.fixture
async def client(service: Service) -> AsyncIterator[AssistantsClient]:
    async with AssistantsClient(service.url, KEY) as client:
        yield client


@pytest.fixture
def way() -> Losing:
    return Losing()


@pytest.fixture
async def trusting(service: Service, way: Losing, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[AssistantsClient]:
    """A client that loses answers, and was told that the service honours idempotency keys."""

    async def pause(_: float) -> None: ...

    monkeypatch.setattr(exchange, "sleep", pause)
    async with AssistantsClient(service.url, KEY, transport=way, honours_idempotency_keys=True) as client:
        yield client


async def test_the_weather_bot_calls_both_functions(service: Service, model: Model) -> None:
    await model.play(ScriptedReply(tool_calls=CALLS), ScriptedReply(text="57 degrees, and no rain."))
    said = await example("weather.py", service.url, KEY)
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


@pytest.mark.parametrize(
    "create",
    [
        lambda client: client.assistants.create(model="default", name="lost"),
        lambda client: client.threads.create(messages=[{"role": "user", "content": "Hi"}]),
        lambda client: client.files.create(b"Notes.", filename="lost.txt"),
        lambda client: client.vector_stores.create(name="lost"),
        lambda client: client.uploads.create(filename="lost.txt", bytes=6, mime_type="text/plain"),
    ],
    ids=["assistant", "thread", "file", "vector store", "upload"],
)
async def test_what_was_made_before_its_answer_was_lost_is_given_again(
    trusting: AssistantsClient, way: Losing, create: Create
) -> None:
    way.losses = 2
    made = await create(trusting)
    ids = {type(made).model_validate_json(body).wire()["id"] for body in way.seen}
    assert ids == {made.wire()["id"]}
    assert len(way.seen) == 2


async def test_a_question_and_its_run_are_there_once_though_the_service_was_killed_meanwhile(
    trusting: AssistantsClient, way: Losing, service: Service
) -> None:
    # The model may have been asked before the kill and again after it: what it says by itself is the same each time.
    assistant = await trusting.assistants.create(model="default")
    thread = await trusting.threads.create()
    way.losses = 1
    await trusting.threads.messages.create(thread.id, content="Hi")
    way.losses, way.lost = 1, service.restart
    run = await trusting.threads.runs.create(thread.id, assistant_id=assistant.id)
    assert (await trusting.threads.runs.wait(thread.id, run.id)).status == "completed"
    assert [found.id async for found in trusting.threads.runs.list(thread.id)] == [run.id]
    said = [message.text async for message in trusting.threads.messages.list(thread.id, order="asc")]
    assert said == ["Hi", "You said: Hi"]


async def test_a_stream_whose_beginning_was_lost_is_told_once_more(
    trusting: AssistantsClient, way: Losing, model: Model
) -> None:
    await model.play(ScriptedReply(text="one two three"))
    assistant = await trusting.assistants.create(model="default")
    thread = await trusting.threads.create(messages=[{"role": "user", "content": "Count."}])
    way.losses = 1
    async with trusting.threads.runs.stream(thread.id, assistant_id=assistant.id) as stream:
        assert "".join([text async for text in stream.texts()]) == "one two three"
    assert not stream.recovered
    assert [run.id async for run in trusting.threads.runs.list(thread.id)] == [stream.run_id]
