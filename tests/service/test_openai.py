"""A stock `openai` client completes its work against the service, in this process and over TCP."""

import json
from typing import Any

import httpx
import openai
import pytest
from openai import AsyncOpenAI

from assistants.service.models import ModelMissing
from assistants.service.scripted import ScriptedCall, ScriptedError, ScriptedModel, ScriptedReply
from tests.conftest import Facts

# The SDK marks every call of this API as deprecated, and takes httpx as a legacy client.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

WEATHER: Any = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}


async def recorded(shared_facts: Facts) -> list[str]:
    return names_in((shared_facts / "create-thread-and-run.sse.txt").read_text())


def names_in(stream: str) -> list[str]:
    """The event names of a stream, its run of deltas told once."""
    names = [line.removeprefix("event: ") for line in stream.splitlines() if line.startswith("event: ")]
    return [name for before, name in zip([None, *names], names, strict=False) if name != before]


async def test_assistant_thread_message_run_reply(client: AsyncOpenAI, script: ScriptedModel) -> None:
    script.play(ScriptedReply(text="x is 1."))
    beta = client.beta
    tutor = await beta.assistants.create(model="default", name="Math Tutor", instructions="Teach.")
    thread = await beta.threads.create()
    await beta.threads.messages.create(thread.id, role="user", content="3x + 11 = 14")
    run = await beta.threads.runs.create_and_poll(thread_id=thread.id, assistant_id=tutor.id, poll_interval_ms=10)
    assert (run.status, run.usage and run.usage.completion_tokens, run.expires_at) == ("completed", 3, None)
    messages = await beta.threads.messages.list(thread.id)
    content: Any = messages.data[0].content[0]
    assert content.text.value == "x is 1."
    assert script.requests[0]["messages"] == [
        {"role": "system", "content": "Teach."},
        {"role": "user", "content": "3x + 11 = 14"},
    ]
    steps = await beta.threads.runs.steps.list(run.id, thread_id=thread.id)
    assert [(step.type, step.status) for step in steps.data] == [("message_creation", "completed")]


async def test_the_sdk_puts_a_stream_together(client: AsyncOpenAI, script: ScriptedModel) -> None:
    script.play(ScriptedReply(text="one two three"))
    tutor = await client.beta.assistants.create(model="default")
    thread = await client.beta.threads.create(messages=[{"role": "user", "content": "count"}])
    async with client.beta.threads.runs.stream(thread_id=thread.id, assistant_id=tutor.id) as stream:
        deltas = [delta async for delta in stream.text_deltas]
        run = await stream.get_final_run()
        messages: Any = await stream.get_final_messages()
    assert (deltas, run.status) == (["one", " two", " three"], "completed")
    assert messages[0].content[0].text.value == "one two three"


async def test_functions_are_called_and_their_outputs_read(client: AsyncOpenAI, script: ScriptedModel) -> None:
    script.play(
        ScriptedReply(text="Let me look.", tool_calls=(ScriptedCall("weather", '{"city": "Oslo"}', id="call_1"),)),
        ScriptedReply(text="It rains."),
    )
    assistant = await client.beta.assistants.create(model="default", tools=[WEATHER])
    thread = await client.beta.threads.create(messages=[{"role": "user", "content": "weather in Oslo?"}])
    run = await client.beta.threads.runs.create_and_poll(
        thread_id=thread.id, assistant_id=assistant.id, poll_interval_ms=10
    )
    assert run.status == "requires_action"
    assert run.required_action is not None
    (call,) = run.required_action.submit_tool_outputs.tool_calls
    assert json.loads(call.function.arguments) == {"city": "Oslo"}
    async with client.beta.threads.runs.submit_tool_outputs_stream(
        thread_id=thread.id, run_id=run.id, tool_outputs=[{"tool_call_id": call.id, "output": "rain"}]
    ) as stream:
        assert "".join([delta async for delta in stream.text_deltas]) == "It rains."
    steps = await client.beta.threads.runs.steps.list(run.id, thread_id=thread.id, order="asc")
    assert [step.type for step in steps.data] == ["message_creation", "tool_calls", "message_creation"]
    assert script.requests[1]["messages"][1:] == [
        {
            "role": "assistant",
            "content": "Let me look.",
            "tool_calls": [
                {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Oslo"}'}}
            ],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": "rain"},
    ]


async def test_the_sdk_puts_calls_together_from_deltas(client: AsyncOpenAI, script: ScriptedModel) -> None:
    script.play(ScriptedReply(tool_calls=(ScriptedCall("weather", '{"city": "Oslo"}'), ScriptedCall("weather"))))
    assistant = await client.beta.assistants.create(model="default", tools=[WEATHER])
    thread = await client.beta.threads.create(messages=[{"role": "user", "content": "weather?"}])
    async with client.beta.threads.runs.stream(thread_id=thread.id, assistant_id=assistant.id) as stream:
        await stream.until_done()
        (step,) = await stream.get_final_run_steps()
    details: Any = step.step_details
    assert [call.function.arguments for call in details.tool_calls] == ['{"city": "Oslo"}', "{}"]


async def test_a_run_is_cancelled_and_its_half_written_message_kept(client: AsyncOpenAI, script: ScriptedModel) -> None:
    script.play(ScriptedReply(text="one two three", hold_after=2))
    assistant = await client.beta.assistants.create(model="default")
    thread = await client.beta.threads.create(messages=[{"role": "user", "content": "count"}])
    async with client.beta.threads.runs.stream(thread_id=thread.id, assistant_id=assistant.id) as stream:
        texts = aiter(stream.text_deltas)
        assert [await anext(texts), await anext(texts)] == ["one", " two"]
        run = stream.current_run
        assert run is not None
        cancelling = await client.beta.threads.runs.cancel(run.id, thread_id=thread.id)
        names = [event.event async for event in stream]
    assert cancelling.status == "cancelling"
    assert names == [
        "thread.run.cancelling",
        "thread.message.incomplete",
        "thread.run.step.cancelled",
        "thread.run.cancelled",
    ]
    message: Any = (await client.beta.threads.messages.list(thread.id)).data[0]
    assert (message.status, message.incomplete_details.reason) == ("incomplete", "run_cancelled")
    assert message.content[0].text.value == "one two"
    with pytest.raises(openai.BadRequestError, match="Cannot cancel run with status 'cancelled'"):
        await client.beta.threads.runs.cancel(run.id, thread_id=thread.id)


async def test_a_model_that_fails_fails_the_run(client: AsyncOpenAI, script: ScriptedModel) -> None:
    script.play(ScriptedReply(error=ScriptedError(429, retry_after="20")), ScriptedReply(text="one two", cut_after=1))
    assistant = await client.beta.assistants.create(model="default")
    ends = []
    for _ in range(2):
        run = await client.beta.threads.create_and_run_poll(
            assistant_id=assistant.id, thread={"messages": [{"role": "user", "content": "?"}]}, poll_interval_ms=10
        )
        assert run.last_error is not None
        ends.append((run.status, run.last_error.code, run.last_error.message))
    assert ends == [
        ("failed", "rate_limit_exceeded", "Rate limit is exceeded. Try again in 20 seconds."),
        ("failed", "server_error", "model.test ended the connection in the middle of its answer. Ask again."),
    ]


async def test_without_a_model_a_run_fails_with_what_to_do(client: AsyncOpenAI, service: Any) -> None:
    service.models.connect(None)
    assistant = await client.beta.assistants.create(model="gpt-4o")
    run = await client.beta.threads.create_and_run_poll(assistant_id=assistant.id, poll_interval_ms=10)
    assert (run.status, run.last_error and run.last_error.message) == ("failed", str(ModelMissing()))


async def test_an_answer_the_model_cut_short_is_incomplete(client: AsyncOpenAI, script: ScriptedModel) -> None:
    script.play(ScriptedReply(text="one two", finish="length"))
    assistant = await client.beta.assistants.create(model="default")
    run = await client.beta.threads.create_and_run_poll(assistant_id=assistant.id, poll_interval_ms=10)
    message: Any = (await client.beta.threads.messages.list(run.thread_id)).data[0]
    assert (run.status, message.status, message.content[0].text.value) == ("incomplete", "incomplete", "one two")


async def test_lists_are_walked_to_their_end(client: AsyncOpenAI) -> None:
    made = [(await client.beta.assistants.create(model="default", name=str(n))).id for n in range(5)]
    assert [assistant.id async for assistant in client.beta.assistants.list(limit=2)] == made[::-1]
    assert [assistant.id async for assistant in client.beta.assistants.list(limit=2, order="asc")] == made


async def test_every_object_is_modified_and_deleted(client: AsyncOpenAI) -> None:
    beta = client.beta
    assistant = await beta.assistants.create(model="default", name="A", metadata={"a": "1"})
    changed = await beta.assistants.update(assistant.id, name="B", instructions="Be brief.")
    assert (changed.name, changed.instructions, changed.metadata) == ("B", "Be brief.", {"a": "1"})
    thread = await beta.threads.create()
    assert (await beta.threads.update(thread.id, metadata={"t": "1"})).metadata == {"t": "1"}
    message = await beta.threads.messages.create(thread.id, role="user", content=[{"type": "text", "text": "hello"}])
    changed_message = await beta.threads.messages.update(message.id, thread_id=thread.id, metadata={"m": "1"})
    assert changed_message.metadata == {"m": "1"}
    assert (await beta.threads.messages.delete(message.id, thread_id=thread.id)).deleted
    assert (await beta.threads.delete(thread.id)).object == "thread.deleted"
    assert (await beta.assistants.delete(assistant.id)).object == "assistant.deleted"
    for gone in (beta.threads.retrieve(thread.id), beta.assistants.retrieve(assistant.id)):
        with pytest.raises(openai.NotFoundError):
            await gone


async def test_models_are_listed(client: AsyncOpenAI) -> None:
    assert [model.id async for model in client.models.list()] == ["default"]
    with pytest.raises(openai.NotFoundError, match="does not exist"):
        await client.models.retrieve("gpt-4o")


async def test_events_come_in_the_order_the_api_recorded(
    http: httpx.AsyncClient, script: ScriptedModel, shared_facts: Facts
) -> None:
    script.play(ScriptedReply(text="Hello! How can I assist you today?"))
    assistant = (await http.post("/assistants", json={"model": "default"})).json()
    body = {
        "assistant_id": assistant["id"],
        "stream": True,
        "thread": {"messages": [{"role": "user", "content": "Hi"}]},
    }
    answer = await http.post("/threads/runs", json=body)
    assert names_in(answer.text) == await recorded(shared_facts)
    assert answer.text.endswith("event: done\ndata: [DONE]\n\n")
    assert '"annotations":null' not in answer.text
