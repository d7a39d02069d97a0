"""Pieces come to the same whole as the API's own, wherever one looks in between."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistants.connector import Accumulator, AssistantsClient
from assistants.contract import (
    EVENTS,
    CodeInterpreterCall,
    FileSearchCall,
    FunctionCall,
    LogsOutput,
    MessageDelta,
    MessageDeltaEvent,
    RefusalContent,
    RunStep,
    RunStepDelta,
    RunStepDeltaEvent,
    RunStepEvent,
    StreamEvent,
    ToolCalls,
)
from tests.conftest import Facts
from tests.connector.objects import STEP, message
from tests.connector.server import Server, sse
from tests.connector.test_recovery import STREAM, TEXT


def piece(*content: dict[str, Any]) -> MessageDeltaEvent:
    delta = MessageDelta.model_validate({"id": "msg_1", "delta": {"content": list(content)}})
    return MessageDeltaEvent("thread.message.delta", delta)


def text(value: str, index: int = 0, **more: Any) -> dict[str, Any]:
    return {"index": index, "type": "text", "text": {"value": value, **more}}


def of_calls(*calls: dict[str, Any]) -> RunStepDeltaEvent:
    details = {"type": "tool_calls", "tool_calls": list(calls)}
    delta = RunStepDelta.model_validate({"id": "step_1", "delta": {"step_details": details}})
    return RunStepDeltaEvent("thread.run.step.delta", delta)


def begun() -> RunStepEvent:
    step = {**STEP, "status": "in_progress", "usage": None, "step_details": {"type": "tool_calls", "tool_calls": []}}
    return RunStepEvent("thread.run.step.created", RunStep.model_validate(step))


def taken(*events: StreamEvent) -> Accumulator:
    accumulator = Accumulator()
    for event in events:
        accumulator.take(event)
    return accumulator


@given(st.lists(st.text(max_size=5), max_size=40), st.sets(st.integers(0, 40)))
def test_text_is_all_that_was_said_whenever_one_looks(pieces: list[str], looks: set[int]) -> None:
    accumulator = Accumulator()
    for number, words in enumerate(pieces):
        accumulator.take(piece(text(words)))
        if number in looks:
            assert accumulator.snapshot.text == "".join(pieces[: number + 1])
    assert accumulator.snapshot.text == "".join(pieces)


def test_a_snapshot_does_not_change_with_what_comes_after_it() -> None:
    accumulator = taken(piece(text("Hel")))
    before = accumulator.snapshot
    accumulator.take(piece(text("lo")))
    assert (before.text, accumulator.snapshot.text) == ("Hel", "Hello")


def test_parts_grow_each_for_itself_with_their_annotations() -> None:
    first = {"index": 0, "type": "file_citation", "text": "[1]", "start_index": 2, "end_index": 5}
    accumulator = taken(
        piece(text("a ", annotations=[])),
        piece({"index": 1, "type": "refusal", "refusal": "I can"}),
        piece(text("[1]", annotations=[{**first, "file_citation": {"file_id": "file-1"}}])),
        piece({"index": 1, "type": "refusal", "refusal": "not."}),
        piece({"index": 2, "type": "image_file", "image_file": {"file_id": "file-2", "detail": "low"}}),
    )
    (whole,) = accumulator.messages
    content = whole.wire()["content"]
    cited = {key: value for key, value in first.items() if key != "index"} | {"file_citation": {"file_id": "file-1"}}
    assert content[0] == {"type": "text", "text": {"value": "a [1]", "annotations": [cited]}}
    assert isinstance(whole.content[1], RefusalContent)
    assert content[1] == {"type": "refusal", "refusal": "I cannot."}
    assert content[2] == {"type": "image_file", "image_file": {"file_id": "file-2", "detail": "low"}}


def test_calls_grow_side_by_side() -> None:
    accumulator = taken(
        begun(),
        of_calls(
            {"index": 0, "id": "call_1", "type": "function", "function": {"name": "f", "arguments": "", "output": None}}
        ),
        of_calls({"index": 1, "id": "call_2", "type": "code_interpreter", "code_interpreter": {"input": "1 +"}}),
        of_calls({"index": 0, "type": "function", "function": {"arguments": '{"a":'}}),
        of_calls({"index": 1, "type": "code_interpreter", "code_interpreter": {"input": " 1"}}),
        of_calls({"index": 0, "type": "function", "function": {"arguments": " 1}"}}),
        of_calls(
            {
                "index": 1,
                "type": "code_interpreter",
                "code_interpreter": {"outputs": [{"index": 0, "type": "logs", "logs": "2"}]},
            }
        ),
        of_calls({"index": 2, "id": "call_3", "type": "file_search", "file_search": {}}),
    )
    (step,) = accumulator.steps
    assert isinstance(step.step_details, ToolCalls)
    function, code, search = step.step_details.tool_calls
    assert isinstance(function, FunctionCall)
    assert (function.id, function.function.name, function.function.arguments) == ("call_1", "f", '{"a": 1}')
    assert isinstance(code, CodeInterpreterCall)
    assert code.code_interpreter.input == "1 + 1"
    assert code.code_interpreter.outputs == [LogsOutput(logs="2")]
    assert isinstance(search, FileSearchCall)


def test_pieces_without_a_beginning_are_put_together_all_the_same() -> None:
    call = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    accumulator = taken(of_calls(call), piece(text("Hi")))
    assert [step.id for step in accumulator.steps] == ["step_1"]
    assert [whole.status for whole in accumulator.messages] == ["in_progress"]


def test_thousands_of_pieces_do_not_wait_to_be_put_together() -> None:
    accumulator = taken(*[piece(text("ab"))] * 3000)
    assert accumulator.snapshot.text == "ab" * 3000


async def test_snapshots_come_beside_the_events(server: Server, client: AssistantsClient) -> None:
    server.will(sse(*STREAM))
    async with client.threads.runs.stream("thread_1", assistant_id="asst_1") as stream:
        seen = [(event.event, snapshot) async for event, snapshot in stream.snapshots()]
    growing = [snapshot.text for name, snapshot in seen if name == "thread.message.delta"]
    assert growing == ["Hello!", "Hello! How can I", "Hello! How can I assist", TEXT]
    final = seen[-1][1]
    assert final.run is not None
    assert (final.run.status, final.messages[0].status, final.steps[0].status) == ("completed",) * 3


def test_the_recorded_pieces_come_to_the_recorded_message(shared_facts: Facts) -> None:
    lines = (shared_facts / "create-thread-and-run.sse.txt").read_text().splitlines()
    accumulator, compared = Accumulator(), 0
    for head, body in zip(lines[::2], lines[1::2], strict=False):
        name = head.removeprefix("event: ")
        kind, model = EVENTS[name]
        event = kind(name, model.model_validate(json.loads(body.removeprefix("data: "))))
        if name == "thread.message.completed":
            grown = {**accumulator.messages[0].wire(), "status": "completed"}
            whole = event.data.wire()
            assert {key: grown[key] for key in ("id", "content", "role", "status", "run_id")} == {
                key: whole[key] for key in ("id", "content", "role", "status", "run_id")
            }
            compared += 1
        accumulator.take(event)
    assert compared == 1


@pytest.mark.parametrize("metadata", [{"index": "3"}, {"value": "x"}])
def test_metadata_is_nobodys_to_merge(metadata: dict[str, str]) -> None:
    created = {**message(), "status": "in_progress", "content": [], "metadata": metadata}
    kind, model = EVENTS["thread.message.created"]
    accumulator = taken(kind("thread.message.created", model.model_validate(created)), piece(text("Hi")))
    assert accumulator.messages[0].metadata == metadata
