"""A run's stream: every event typed, and every way to end other than `done` an error that says where to go on."""

import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistants.connector import (
    AssistantsClient,
    NotFoundError,
    ProtocolError,
    ServerError,
    StreamBroken,
    StreamFailedError,
    ThreadLockedError,
)
from assistants.connector.sse import Decoder
from assistants.contract import (
    ErrorDetail,
    ErrorEvent,
    Message,
    MessageDelta,
    MessageEvent,
    OtherEvent,
    Run,
    RunEvent,
    StreamEvent,
    Thread,
    thread_busy,
)
from tests.conftest import Facts
from tests.connector.objects import message, run
from tests.connector.server import Server, page, refusal, sse

DONE = "event: done\ndata: [DONE]\n\n"


def event(name: str, data: Any) -> str:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"


def delta(text: str) -> str:
    data = {"delta": {"content": [{"index": 0, "type": "text", "text": {"value": text}}]}}
    return event("thread.message.delta", {"id": "msg_1", "object": "thread.message.delta", **data})


CREATED = event("thread.run.created", run("queued"))
COMPLETED = event("thread.run.completed", run("completed"))


async def read(client: AssistantsClient) -> list[StreamEvent]:
    async with client.threads.runs.stream("thread_1", assistant_id="asst_1") as events:
        return [event async for event in events]


def recorded(facts: Facts) -> bytes:
    """The recording, with the blank lines between events that it was stripped of; there is none at its end."""
    return (facts / "create-thread-and-run.sse.txt").read_bytes().replace(b"\nevent:", b"\n\nevent:")


def whole(stream: bytes) -> list[bytes]:
    return [stream]


def byte_by_byte(stream: bytes) -> list[bytes]:
    return [stream[i : i + 1] for i in range(len(stream))]


def with_crlf(stream: bytes) -> list[bytes]:
    return byte_by_byte(stream.replace(b"\n", b"\r\n"))


@pytest.mark.parametrize("cut", [whole, byte_by_byte, with_crlf])
async def test_the_recorded_stream_is_read_to_its_end(
    shared_facts: Facts, server: Server, client: AssistantsClient, cut: Callable[[bytes], list[bytes]]
) -> None:
    server.will(sse(*cut(recorded(shared_facts))))
    async with client.threads.create_and_stream(assistant_id="asst_1", thread={"messages": []}) as events:
        seen = [event async for event in events]
    assert server.asked[0].body == {"assistant_id": "asst_1", "stream": True, "thread": {"messages": []}}
    assert server.asked[0].headers["accept"] == "text/event-stream"
    assert [event.event for event in seen] == [
        "thread.created",
        "thread.run.created",
        "thread.run.queued",
        "thread.run.in_progress",
        "thread.run.step.created",
        "thread.run.step.in_progress",
        "thread.message.created",
        "thread.message.in_progress",
        *["thread.message.delta"] * 9,
        "thread.message.completed",
        "thread.run.step.completed",
        "thread.run.completed",
    ]
    assert isinstance(seen[0].data, Thread)
    assert isinstance(seen[1].data, Run)
    text = "".join(event.data.text for event in seen if isinstance(event.data, MessageDelta))
    finished = seen[-3].data
    assert isinstance(finished, Message)
    assert text == finished.text == "Hello! How can I assist you today?"
    assert isinstance(events.run, Run)
    assert events.run.usage is not None
    assert (events.run.usage.total_tokens, events.thread_id) == (1149, "thread_sSbvUX4J1FqlUZBv6BaBbOj4")


async def test_a_stream_posts_messages_and_creates_the_run_in_one_request(
    server: Server, client: AssistantsClient
) -> None:
    server.will(sse(CREATED, COMPLETED, DONE))
    async with client.threads.runs.stream(
        "thread_1",
        assistant_id="asst_1",
        additional_messages=[{"role": "user", "content": "Hi", "metadata": {"turn": "1"}}],
        metadata={"turn": "1.1"},
    ) as events:
        assert [event.event async for event in events] == ["thread.run.created", "thread.run.completed"]
    assert server.asked[0].path == "/v1/threads/thread_1/runs"
    assert server.asked[0].body == {
        "assistant_id": "asst_1",
        "stream": True,
        "additional_messages": [{"role": "user", "content": "Hi", "metadata": {"turn": "1"}}],
        "metadata": {"turn": "1.1"},
    }


async def test_events_are_given_before_the_stream_ends_and_leaving_hangs_up(
    server: Server, client: AssistantsClient
) -> None:
    server.will(sse(CREATED, delta("Hel"), held=True))
    async with client.threads.runs.stream("thread_1", assistant_id="asst_1") as events:
        async for seen in events:
            if isinstance(seen.data, MessageDelta):
                break
    assert seen.data.text == "Hel"
    await server.gone.wait()


async def test_a_stream_whose_run_cannot_be_asked_for_either_names_it(server: Server, client: AssistantsClient) -> None:
    server.will(sse(CREATED, delta("Hel")), refusal(503, "Restarting."))
    with pytest.raises(StreamBroken, match="The stream of run run_1 from 127") as caught:
        await read(client)
    assert (caught.value.thread_id, caught.value.run_id) == ("thread_1", "run_1")
    assert isinstance(caught.value.__cause__, ServerError)


async def test_a_stream_that_breaks_before_the_run_was_seen_says_so(server: Server, client: AssistantsClient) -> None:
    server.will(sse())
    with pytest.raises(StreamBroken) as caught:
        await read(client)
    assert (caught.value.thread_id, caught.value.run_id) == ("thread_1", None)


ERROR = {"message": "The model is overloaded.", "type": "server_error", "param": None, "code": "overloaded"}


@pytest.mark.parametrize(
    "failed",
    [
        event("error", ERROR),
        event("error", {"error": ERROR}),
        ErrorEvent("error", ErrorDetail.model_validate(ERROR)).sse(),
        f"data: {json.dumps({'error': ERROR})}\n\n",
    ],
    ids=["bare", "wrapped", "ours", "unnamed"],
)
async def test_every_shape_of_error_event_raises(server: Server, client: AssistantsClient, failed: str) -> None:
    server.will(sse(CREATED, failed, DONE))
    with pytest.raises(StreamFailedError, match=r"broke off the run's stream: The model is overloaded\.$") as caught:
        await read(client)
    assert (caught.value.code, caught.value.run_id) == ("overloaded", "run_1")


async def test_an_error_event_of_plain_text_raises(server: Server, client: AssistantsClient) -> None:
    server.will(sse("event: error\ndata: out of memory\n\n"))
    with pytest.raises(StreamFailedError, match="out of memory"):
        await read(client)


async def test_an_event_that_the_contract_does_not_know_is_given_as_it_is(
    server: Server, client: AssistantsClient
) -> None:
    server.will(sse(": keep-alive\n\n", event("thread.run.mused", {"mood": "calm"}), DONE))
    assert await read(client) == [OtherEvent("thread.run.mused", {"mood": "calm"})]


async def test_an_event_that_cannot_be_read_is_no_silent_gap(server: Server, client: AssistantsClient) -> None:
    server.will(sse(CREATED, "event: thread.run.queued\ndata: {oops\n\n", DONE))
    with pytest.raises(ProtocolError, match=r"an event 'thread\.run\.queued' that cannot be read: '{oops'"):
        await read(client)


async def test_a_refused_stream_is_the_same_error_as_a_refused_request(
    server: Server, client: AssistantsClient
) -> None:
    server.will(refusal(400, thread_busy("thread_1", "run_7").message), refusal(404, "No thread found."))
    with pytest.raises(ThreadLockedError) as caught:
        await read(client)
    assert caught.value.run_id == "run_7"
    with pytest.raises(NotFoundError):
        await read(client)


async def test_a_web_page_is_no_stream(server: Server, client: AssistantsClient) -> None:
    server.will(page(200, "<html>"))
    with pytest.raises(ProtocolError, match="it answered 200 with text/html"):
        await read(client)


async def test_a_line_separator_inside_of_the_text_does_not_cut_it(server: Server, client: AssistantsClient) -> None:
    said = message(text="one\u2028two\u0085three")
    server.will(sse(f"event: thread.message.completed\ndata: {json.dumps(said, ensure_ascii=False)}\n\n", DONE))
    (seen,) = await read(client)
    assert isinstance(seen, MessageEvent)
    assert seen.data.text == "one\u2028two\u0085three"


async def test_submitted_outputs_stream_on(server: Server, client: AssistantsClient) -> None:
    server.will(sse(event("thread.run.queued", run("queued")), COMPLETED, DONE))
    outputs = [{"tool_call_id": "call_1", "output": "12 °C"}]
    async with client.threads.runs.submit_and_stream("thread_1", "run_1", tool_outputs=outputs) as events:
        kinds = [type(event) async for event in events]
    assert kinds == [RunEvent, RunEvent]
    assert server.asked[0].path == "/v1/threads/thread_1/runs/run_1/submit_tool_outputs"
    assert server.asked[0].body == {"tool_outputs": outputs, "stream": True}


async def test_a_stream_is_read_inside_of_its_context(client: AssistantsClient) -> None:
    events = client.threads.runs.stream("thread_1", assistant_id="asst_1")
    with pytest.raises(RuntimeError, match="inside of its `async with`"):
        aiter(events)


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
def test_events_are_the_same_wherever_the_network_cuts_them(line_end: bytes) -> None:
    stream = "event: x\ndata: é\n\n: idle\n\ndata:two\ndata: lines\n\nevent: done\ndata: [DONE]\n\n\n".encode()
    stream = stream.replace(b"\n", line_end)
    for cut in range(len(stream) + 1):
        decoder = Decoder()
        events = [*decoder.feed(stream[:cut]), *decoder.feed(stream[cut:]), *decoder.end()]
        assert events == [("x", "é".encode()), ("", b"two\nlines"), ("done", b"[DONE]")]


EVENTS_OF_ANY_KIND = st.lists(
    st.tuples(
        st.sampled_from(["", "x", "thread.run.created"]),
        st.text(st.characters(codec="utf-8", exclude_characters="\r\n")),
    ),
    max_size=6,
)


@given(EVENTS_OF_ANY_KIND, st.sampled_from(["\n", "\r\n", "\r"]), st.lists(st.integers(0, 400), max_size=12))
def test_no_cut_of_the_network_changes_what_was_said(
    said: list[tuple[str, str]], line_end: str, cuts: list[int]
) -> None:
    lines = "".join(f"event: {name}\n" * bool(name) + f"data: {data}\n\n" for name, data in said)
    stream = lines.replace("\n", line_end).encode()
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    decoder = Decoder()
    found = [event for start, end in pairwise(edges) for event in decoder.feed(stream[start:end])]
    found += decoder.feed(b"\n")  # what a carriage return at the very end may be half of
    assert found == [(name, data.encode()) for name, data in said if name or data]


def test_data_over_several_lines_is_one_event() -> None:
    decoder = Decoder()
    assert list(decoder.feed(b"event: x\rdata: one\r\ndata:two\n\r\n")) == [("x", b"one\ntwo")]
    assert list(decoder.end()) == []
