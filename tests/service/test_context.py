"""What a model is asked: the newest of the thread that fits, calls with their outputs, within what a run may use."""

import json
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openai import AsyncOpenAI

from assistants.contract import Message, TextContent, TextValue
from assistants.service import store, window
from assistants.service.app import Service
from assistants.service.measures import Measure, Traits
from assistants.service.scripted import ScriptedCall, ScriptedError, ScriptedModel, ScriptedReply
from assistants.service.thread_cache import Recent
from assistants.service.tokens import Gauge
from storage import objects
from storage.database import Database, Transaction

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

WEATHER: Any = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
HELLO: Any = {"role": "user", "content": "hello"}
# More than is read at the first look.
LONG = [HELLO] * (window.FIRST_LOOK + 5)


async def run_of(http: httpx.AsyncClient, **body: Any) -> dict[str, Any]:
    """A run on a new thread once it has ended or waits, made of a stream."""
    tools = body.pop("assistant", {})
    assistant = (await http.post("/assistants", json={"model": "default", **tools})).json()
    asked = {"assistant_id": assistant["id"], "stream": True, **body}
    return last_run(await http.post("/threads/runs", json=asked))


def last_run(stream: httpx.Response) -> dict[str, Any]:
    assert stream.status_code == 200, stream.text
    runs = [line for line in stream.text.splitlines() if '"object":"thread.run"' in line]
    run: dict[str, Any] = json.loads(runs[-1].removeprefix("data: "))
    return run


async def again(http: httpx.AsyncClient, run: dict[str, Any], **body: Any) -> dict[str, Any]:
    asked = {"assistant_id": run["assistant_id"], "stream": True, **body}
    return last_run(await http.post(f"/threads/{run['thread_id']}/runs", json=asked))


async def submit(http: httpx.AsyncClient, run: dict[str, Any], output: str) -> dict[str, Any]:
    calls = run["required_action"]["submit_tool_outputs"]["tool_calls"]
    body = {"stream": True, "tool_outputs": [{"tool_call_id": call["id"], "output": output} for call in calls]}
    return last_run(await http.post(f"/threads/{run['thread_id']}/runs/{run['id']}/submit_tool_outputs", json=body))


def texts(request: dict[str, Any]) -> list[str]:
    return [message["content"] for message in request["messages"]]


def message(number: int, text: str) -> Message:
    return Message(
        id=f"msg_{number}",
        created_at=1,
        thread_id="thread_1",
        status="completed",
        role="user",
        content=[TextContent(text=TextValue(value=text))],
    )


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sizes=st.lists(st.integers(1, 400), min_size=1, max_size=120), room=st.integers(0, 6000))
async def test_what_fits_is_the_newest_without_a_gap(database: Database, sizes: list[int], room: int) -> None:
    def fill(tx: Transaction) -> None:
        tx.execute("delete from messages")
        store.add(tx, *(message(number, "x" * size) for number, size in enumerate(sizes)))

    await database.write(fill)
    gauge = Gauge()
    chat, spent = await window.read(database, window.Wanted("thread_1", "run_1", room), gauge, Recent())
    kept = [len(said["content"]) for said in chat]
    assert kept == sizes[-len(kept) :]
    assert spent == sum(map(gauge.tokens, chat))
    assert spent <= room or len(kept) == 1
    if len(kept) < len(sizes):
        more = gauge.tokens({"content": "x" * sizes[-len(kept) - 1]})
        assert spent + more > room


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sizes=st.lists(st.integers(1, 400), min_size=1, max_size=140),
    rooms=st.lists(st.integers(0, 9000), min_size=2, max_size=4),
    more=st.integers(0, 60),
    gone=st.none() | st.integers(1, 10),
    most=st.sampled_from([1_000_000, 60_000, 0]),
)
async def test_a_thread_that_was_read_before_is_read_as_if_it_had_not_been(
    database: Database, sizes: list[int], rooms: list[int], more: int, gone: int | None, most: int
) -> None:
    """Whatever came, went, or has another room meanwhile."""

    def fill(tx: Transaction) -> None:
        tx.execute("delete from messages")
        store.add(tx, *(message(number, f"{number} " + "x" * size) for number, size in enumerate(sizes)))

    await database.write(fill)
    recent = Recent(most)
    for number, room in enumerate(rooms):
        wanted = window.Wanted("thread_1", "run_1", room)
        found = await window.read(database, wanted, Gauge(), recent)
        assert found == await window.read(database, wanted, Gauge(), Recent())
        if number == 0:
            new = [message(1_000 + number, f"new {number}") for number in range(more)]
            await database.write(store.add, *new)
            if gone is not None:
                await database.write(objects.remove, "messages", f"msg_{len(sizes) - gone}")


async def test_a_call_that_was_read_before_stays_with_its_outputs(
    http: httpx.AsyncClient, script: ScriptedModel
) -> None:
    script.play(
        ScriptedReply(text="Let me see.", tool_calls=(ScriptedCall("weather", '{"city": "Oslo"}', id="call_1"),))
    )
    run = await run_of(http, thread={"messages": LONG}, assistant={"tools": [WEATHER]})
    run = await submit(http, run, "rain")
    for _ in range(3):
        await again(http, run)
        said = script.requests[-1]["messages"][len(LONG) - 1 :]
        assert [m["role"] for m in said[:4]] == ["user", "assistant", "tool", "assistant"]
        assert said[1]["tool_calls"][0]["id"] == said[2]["tool_call_id"] == "call_1"
    assert len(said) == 6


async def test_a_message_that_was_deleted_is_told_no_model(stock: AsyncOpenAI, script: ScriptedModel) -> None:
    assistant = await stock.beta.assistants.create(model="default")
    thread = await stock.beta.threads.create(messages=[{"role": "user", "content": "a secret"}, *LONG])
    asked: Any = {"thread_id": thread.id, "assistant_id": assistant.id, "poll_interval_ms": 10}
    await stock.beta.threads.runs.create_and_poll(**asked)
    first = (await stock.beta.threads.messages.list(thread.id, order="asc")).data[0]
    await stock.beta.threads.messages.delete(first.id, thread_id=thread.id)
    await stock.beta.threads.runs.create_and_poll(**asked)
    told, later = map(texts, script.requests)
    assert ("a secret" in told, len(told)) == (True, 1 + len(LONG))
    assert ("a secret" in later, len(later)) == (False, 1 + len(LONG))


async def test_only_the_last_messages_are_read_where_a_run_asks_for_so_many(
    http: httpx.AsyncClient, script: ScriptedModel
) -> None:
    said = [{"role": "user", "content": str(number)} for number in range(8)]
    strategy = {"type": "last_messages", "last_messages": 3}
    assistant = {"instructions": "Be brief."}
    await run_of(http, thread={"messages": said}, truncation_strategy=strategy, assistant=assistant)
    assert texts(script.requests[0]) == ["Be brief.", "5", "6", "7"]


async def test_instructions_stay_and_the_oldest_messages_go_when_the_window_is_full(
    http: httpx.AsyncClient, script: ScriptedModel, service: Service
) -> None:
    """A context that grew too long kills the conversation."""
    service.models.measure("default").learnt = 1_000
    said = [{"role": "user", "content": f"{number} " + "word " * 100} for number in range(30)]
    run = await run_of(http, thread={"messages": said}, assistant={"instructions": "Be brief."})
    sent = texts(script.requests[0])
    assert (run["status"], sent[0]) == ("completed", "Be brief.")
    assert 1 < len(sent) < 12
    assert [text.split()[0] for text in sent[1:]] == [str(number) for number in range(31 - len(sent), 30)]


async def test_a_window_that_proves_smaller_is_learnt_and_the_run_goes_on(
    http: httpx.AsyncClient, script: ScriptedModel, service: Service
) -> None:
    complaint = "This model's maximum context length is 2048 tokens. However, you requested 9000 tokens."
    script.play(ScriptedReply(error=ScriptedError(400, complaint)), ScriptedReply(text="fits"))
    said = [{"role": "user", "content": "word " * 400} for _ in range(20)]
    run = await run_of(http, thread={"messages": said})
    assert run["status"] == "completed"
    assert len(script.requests[1]["messages"]) < len(script.requests[0]["messages"])
    assert service.models.measure("default").window == 2048


async def test_what_an_earlier_run_called_stays_with_its_outputs(
    http: httpx.AsyncClient, script: ScriptedModel
) -> None:
    script.play(ScriptedReply(tool_calls=(ScriptedCall("weather", id="call_1"),)), ScriptedReply(text="It rains."))
    run = await run_of(http, thread={"messages": [HELLO]}, assistant={"tools": [WEATHER]})
    run = await submit(http, run, "rain")
    await again(http, run, additional_messages=[{"role": "user", "content": "sure?"}])
    function = {"name": "weather", "arguments": "{}"}
    assert script.requests[-1]["messages"] == [
        HELLO,
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "call_1", "type": "function", "function": function}],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": "rain"},
        {"role": "assistant", "content": "It rains."},
        {"role": "user", "content": "sure?"},
    ]
    await again(http, run, tools=[], additional_messages=[{"role": "user", "content": "bye"}])
    roles = [said["role"] for said in script.requests[-1]["messages"]]
    assert roles == ["user", "assistant", "user", "assistant", "user"]


async def test_a_tool_is_forced_before_the_answer_and_not_for_ever(
    http: httpx.AsyncClient, script: ScriptedModel
) -> None:
    script.play(ScriptedReply(tool_calls=(ScriptedCall("weather", id="call_1"),)), ScriptedReply(text="It rains."))
    run = await run_of(http, thread={"messages": [HELLO]}, assistant={"tools": [WEATHER]}, tool_choice="required")
    run = await submit(http, run, "rain")
    assert run["status"] == "completed"
    assert [request["tool_choice"] for request in script.requests] == ["required", "auto"]


async def test_parameters_of_a_run_reach_the_model(http: httpx.AsyncClient, script: ScriptedModel) -> None:
    wanted = {
        "type": "json_schema",
        "json_schema": {"name": "x", "schema": {"type": "object", "properties": {}}, "strict": True},
    }
    choice = {"type": "function", "function": {"name": "weather"}}
    await run_of(
        http,
        thread={"messages": [HELLO]},
        model="bigger",
        instructions="Answer as JSON.",
        tools=[WEATHER],
        tool_choice=choice,
        parallel_tool_calls=False,
        temperature=0.2,
        top_p=0.5,
        max_completion_tokens=300,
        response_format=wanted,
    )
    (sent,) = script.requests
    assert {name: sent[name] for name in ("model", "temperature", "top_p", "max_completion_tokens")} == {
        "model": "bigger",
        "temperature": 0.2,
        "top_p": 0.5,
        "max_completion_tokens": 300,
    }
    assert (sent["response_format"], sent["tool_choice"], sent["parallel_tool_calls"]) == (wanted, choice, False)
    assert sent["tools"] == [WEATHER]


async def test_instructions_are_replaced_and_added_to(http: httpx.AsyncClient, script: ScriptedModel) -> None:
    run = await run_of(http, thread={"messages": [HELLO]}, assistant={"instructions": "One."})
    await again(http, run, additional_instructions="Two.", reasoning_effort="low")
    await again(http, run, instructions="Three.", additional_instructions="Four.")
    assert [request["messages"][0]["content"] for request in script.requests] == [
        "One.",
        "One.\n\nTwo.",
        "Three.\n\nFour.",
    ]
    assert script.requests[1]["reasoning_effort"] == "low"


async def test_an_answer_ends_where_its_tokens_end_even_if_the_model_goes_on(
    http: httpx.AsyncClient, script: ScriptedModel
) -> None:
    script.play(ScriptedReply(chunks=tuple("w " for _ in range(400))))
    run = await run_of(http, max_completion_tokens=256)
    assert (run["status"], run["incomplete_details"]) == ("incomplete", {"reason": "max_completion_tokens"})
    (said,) = (await http.get(f"/threads/{run['thread_id']}/messages")).json()["data"]
    assert (said["status"], said["incomplete_details"]) == ("incomplete", {"reason": "max_tokens"})
    assert said["content"][0]["text"]["value"] == "w " * 256


async def test_tokens_are_counted_over_the_whole_run(http: httpx.AsyncClient, script: ScriptedModel) -> None:
    calls = tuple(ScriptedCall("weather", id=f"call_{number}") for number in range(256))
    script.play(ScriptedReply(tool_calls=calls))
    # Fewer pieces than tokens: the endpoint's count decides, not ours.
    run = await run_of(http, tools=[WEATHER], max_completion_tokens=512)
    assert run["status"] == "requires_action"
    script.play(ScriptedReply(tool_calls=tuple(ScriptedCall("weather", "", id=f"c{n}") for n in range(256))))
    run = await submit(http, run, "rain")
    run = await submit(http, run, "rain")
    assert (run["status"], run["incomplete_details"]) == ("incomplete", {"reason": "max_completion_tokens"})
    assert run["usage"]["completion_tokens"] == 512
    assert len(script.requests) == 2


async def test_a_question_larger_than_the_prompt_may_be_ends_the_run(
    http: httpx.AsyncClient, script: ScriptedModel
) -> None:
    question = {"role": "user", "content": "word " * 1_000}
    run = await run_of(http, thread={"messages": [question]}, max_prompt_tokens=256)
    assert (run["status"], run["incomplete_details"]) == ("incomplete", {"reason": "max_prompt_tokens"})
    assert script.requests == []


async def test_a_refusal_is_told_as_one(http: httpx.AsyncClient, script: ScriptedModel) -> None:
    script.play(ScriptedReply(refusal="I cannot help with that."))
    run = await run_of(http)
    (said,) = (await http.get(f"/threads/{run['thread_id']}/messages")).json()["data"]
    assert said["content"] == [{"type": "refusal", "refusal": "I cannot help with that."}]
    assert Message.model_validate(said).text == "I cannot help with that."


async def test_picture_addresses_are_sent_on_unless_the_model_is_known_not_to_see(
    http: httpx.AsyncClient, script: ScriptedModel, service: Service
) -> None:
    part = {"type": "image_url", "image_url": {"url": "https://example.org/cat.png", "detail": "low"}}
    asked = [{"role": "user", "content": [{"type": "text", "text": "what is this?"}, part]}]
    run = await run_of(http, thread={"messages": asked})
    assert script.requests[0]["messages"][0]["content"][1] == part
    service.models.measure("default").traits = Traits(vision=False)
    await again(http, run, additional_messages=[HELLO])
    assert script.requests[1]["messages"][0]["content"] == "what is this?\n[A picture, which this model cannot see.]"
    refused = await again(http, run, additional_messages=asked)
    assert refused["last_error"]["code"] == "invalid_prompt"
    assert "cannot see pictures" in refused["last_error"]["message"]


def test_the_gauge_learns_what_text_costs() -> None:
    gauge = Gauge()
    said = [{"role": "user", "content": "x" * 10_000}]
    for _ in range(30):
        gauge.learn(said, 0, 2_004)
    assert gauge.tokens(said[0]) == pytest.approx(2_004, rel=0.02)
    gauge.learn(said, 0, 8_004)
    assert gauge.tokens(said[0]) == pytest.approx(8_004, rel=0.02)


def test_a_window_narrows_only_so_far() -> None:
    measure = Measure(Traits(context=4_096))
    assert measure.was_too_long(2_000)
    assert measure.was_too_long(None)
    assert not measure.was_too_long(None)
