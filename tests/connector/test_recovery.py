"""A stream that breaks, wherever it does, still comes to the run's end: no lost text, no second run."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from assistants.connector import AssistantsClient, ProtocolError, RunStream, StreamBroken, polling
from assistants.contract import MessageDeltaEvent, MessageEvent, RunEvent, StreamEvent
from tests.conftest import Facts
from tests.connector.objects import STEP, listed, message, run
from tests.connector.server import Answer, Asked, Server, js, refusal, sse

TEXT = "Hello! How can I assist you today?"
KIND = {"content-type": "text/event-stream"}


def whole_stream() -> list[tuple[str, Any]]:
    """A text run as the API streams it, with nothing left out."""

    def piece(text: str) -> tuple[str, Any]:
        content = [{"index": 0, "type": "text", "text": {"value": text}}]
        return "thread.message.delta", {"id": "msg_1", "object": "thread.message.delta", "delta": {"content": content}}

    begun = {**message(text=""), "status": "in_progress", "content": [], "completed_at": None}
    creation = {"type": "message_creation", "message_creation": {"message_id": "msg_1"}}
    step = {**STEP, "type": "message_creation", "step_details": creation, "usage": None}
    return [
        ("thread.run.created", run("queued")),
        ("thread.run.queued", run("queued")),
        ("thread.run.in_progress", run("in_progress")),
        ("thread.run.step.created", {**step, "status": "in_progress"}),
        ("thread.run.step.in_progress", {**step, "status": "in_progress"}),
        ("thread.message.created", begun),
        ("thread.message.in_progress", begun),
        *(piece(text) for text in ("Hello!", " How can I", " assist", " you today?")),
        ("thread.message.completed", message(text=TEXT)),
        ("thread.run.step.completed", step),
        ("thread.run.completed", run("completed")),
        ("done", "[DONE]"),
    ]


def written(events: list[tuple[str, Any]]) -> list[str]:
    return [f"event: {name}\ndata: {data if name == 'done' else json.dumps(data)}\n\n" for name, data in events]


STREAM = written(whole_stream())


def backed(stream: Answer, *, polls: int = 1) -> Any:
    """A server whose stream is this one, and that knows the run's end when it is asked for it."""
    left = polls

    def answer(asked: Asked) -> Answer:
        nonlocal left
        if asked.method == "POST":
            return stream
        if asked.path.endswith("/messages"):
            return js(listed(message(text=TEXT), message("msg_9", "Of another run.") | {"run_id": "run_9"}))
        if asked.path.endswith("/steps"):
            return js(listed(STEP))
        left -= 1
        return js(run("completed" if left < 1 else "in_progress"))

    return answer


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    async def pause(_: float) -> None: ...

    monkeypatch.setattr(polling, "sleep", pause)


async def read(client: AssistantsClient) -> tuple[RunStream, list[StreamEvent]]:
    async with client.threads.runs.stream("thread_1", assistant_id="asst_1") as stream:
        return stream, [event async for event in stream]


def spoken(events: list[StreamEvent]) -> str:
    """What somebody shows who only appends the pieces."""
    return "".join(event.data.text for event in events if isinstance(event, MessageDeltaEvent))


@pytest.mark.parametrize("cut", range(1, len(STREAM)))
@pytest.mark.parametrize("how", ["closed", "in an event", "half-closed", "reset"])
async def test_a_stream_cut_at_any_event_still_ends_in_the_final_state(
    server: Server, no_pauses: None, cut: int, how: str
) -> None:
    kept = STREAM[:cut]
    server.answers_by = backed(
        {
            "closed": sse(*kept),
            "in an event": sse(*kept, STREAM[cut][:-9]),
            "half-closed": sse(*kept, held=True),  # nothing more comes, and nobody says so
            "reset": Answer(body=[piece.encode() for piece in kept], headers={**KIND, "content-length": "99999"}),
        }[how]
    )
    async with AssistantsClient(server.url, stream_timeout=0.2) as client:
        stream, events = await read(client)
    assert spoken(events) == TEXT
    assert stream.snapshot.text == TEXT
    assert stream.run is not None
    assert stream.run.status == "completed"
    last = [event for event in events if isinstance(event, MessageEvent)][-1]
    assert (last.event, last.data.text) == ("thread.message.completed", TEXT)
    assert isinstance(events[-1], RunEvent)
    assert events[-1].event == "thread.run.completed"
    assert [asked.method for asked in server.asked].count("POST") == 1


async def test_a_whole_stream_asks_for_nothing_more(server: Server, client: AssistantsClient) -> None:
    server.will(sse(*STREAM))
    stream, events = await read(client)
    assert not stream.recovered
    assert (spoken(events), len(server.asked)) == (TEXT, 1)


@pytest.mark.parametrize("polls", [1, 3])
async def test_the_run_is_asked_for_until_it_ends(
    server: Server, client: AssistantsClient, no_pauses: None, polls: int
) -> None:
    server.answers_by = backed(sse(*STREAM[:8]), polls=polls)
    stream, _ = await read(client)
    assert stream.recovered
    asked = [(asked.method, asked.path.removeprefix("/v1/threads/thread_1/")) for asked in server.asked]
    assert asked == [
        ("POST", "runs"),
        *[("GET", "runs/run_1")] * polls,
        ("GET", "messages"),
        ("GET", "runs/run_1/steps"),
    ]
    assert server.asked[-2].query["run_id"] == ["run_1"]


async def test_a_server_that_does_not_stream_is_followed_all_the_same(
    server: Server, client: AssistantsClient, no_pauses: None
) -> None:
    server.answers_by = backed(js(run("queued")), polls=2)
    stream, events = await read(client)
    assert (spoken(events), stream.snapshot.text) == (TEXT, TEXT)
    assert events[-1].event == "thread.run.completed"


@pytest.mark.parametrize(
    "missing", ["thread.run.completed", "thread.message.completed", "thread.message.created", "all but"]
)
async def test_events_that_a_server_leaves_out_are_not_missed(
    server: Server, client: AssistantsClient, no_pauses: None, missing: str
) -> None:
    bare = ("thread.run.created", "thread.message.delta", "done")
    kept = [
        (name, data) for name, data in whole_stream() if (name in bare if missing == "all but" else name != missing)
    ]
    server.answers_by = backed(sse(*written(kept)))
    stream, events = await read(client)
    assert (spoken(events), stream.snapshot.text) == (TEXT, TEXT)
    assert stream.run is not None
    assert stream.run.status == "completed"


async def test_a_run_that_waits_for_outputs_has_come_to_its_end(
    server: Server, client: AssistantsClient, no_pauses: None
) -> None:
    action = {"type": "submit_tool_outputs", "submit_tool_outputs": {"tool_calls": []}}
    server.will(sse(*STREAM[:3]), js(run("requires_action", required_action=action)), js(listed()), js(listed(STEP)))
    _, events = await read(client)
    assert [event.event for event in events[3:]] == ["thread.run.step.completed", "thread.run.requires_action"]


async def test_submitted_outputs_are_followed_by_the_id_that_was_given(
    server: Server, client: AssistantsClient, no_pauses: None
) -> None:
    server.answers_by = backed(sse())
    outputs = [{"tool_call_id": "call_1", "output": "12 °C"}]
    async with client.threads.runs.submit_and_stream("thread_1", "run_1", tool_outputs=outputs) as stream:
        snapshot = await stream.final()
    assert snapshot.text == TEXT
    assert snapshot.run is not None
    assert [asked.method for asked in server.asked].count("POST") == 1


async def test_a_server_that_came_back_wrong_is_said_to_be(server: Server, client: AssistantsClient) -> None:
    server.will(sse(*STREAM[:3]), refusal(404, "No run found with id 'run_1'."))
    with pytest.raises(StreamBroken) as caught:
        await read(client)
    assert "No run found" in str(caught.value.__cause__)


async def test_a_text_that_turned_out_otherwise_is_not_patched(
    server: Server, client: AssistantsClient, no_pauses: None
) -> None:
    other = message(text="Something else.")
    server.will(sse(*STREAM[:9]), js(run("completed")), js(listed(other)), js(listed()))
    stream, events = await read(client)
    assert spoken(events) == "Hello! How can I"
    assert stream.snapshot.text == "Something else."


async def test_a_recorded_run_cut_at_any_byte_loses_nothing(
    server: Server, client: AssistantsClient, no_pauses: None, shared_facts: Facts
) -> None:
    stream = (shared_facts / "create-thread-and-run.sse.txt").read_text().replace("\nevent:", "\n\nevent:")
    final = next(line for line in stream.splitlines() if '"thread.message"' in line and TEXT in line)
    said = json.loads(final.removeprefix("data: "))

    def answer(asked: Asked) -> Answer:
        if asked.path.endswith("/messages"):
            return js(listed(said))
        if asked.path.endswith("/steps"):
            return js(listed())
        return js(run("completed", id=said["run_id"], thread_id=said["thread_id"]))

    async def texts(cut: int) -> AsyncIterator[str]:
        server.answers_by = lambda asked: sse(stream[:cut]) if asked.method == "POST" else answer(asked)
        async with client.threads.create_and_stream(assistant_id="asst_1") as events:
            async for text in events.texts():
                yield text

    known = stream.index("event: thread.run.queued")
    for cut in range(known, len(stream), 997):
        assert "".join([text async for text in texts(cut)]) == TEXT, cut


async def test_slow_headers_are_not_waited_for_for_ever(server: Server) -> None:
    server.will(Answer(status=200, body=b"", held=True, headers={"x": "y", "content-length": "5"}))
    async with AssistantsClient(server.url, timeout=httpx.Timeout(60, read=0.05), max_retries=0) as client:
        with pytest.raises(TimeoutError):
            await client.threads.retrieve("thread_1")


async def test_a_web_page_after_the_stream_is_no_end(server: Server, client: AssistantsClient) -> None:
    server.will(sse(*STREAM[:3]), Answer(200, b"<html>", {"content-type": "text/html"}, length=6))
    with pytest.raises(StreamBroken) as caught:
        await read(client)
    assert isinstance(caught.value.__cause__, ProtocolError)
