"""What is said on the wire, to the last null."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from assistants.contract import (
    Assistant,
    CalledFunctionDelta,
    CodeInterpreterTool,
    ContentInput,
    CreateAssistant,
    CreateMessage,
    CreateRun,
    DoneEvent,
    ErrorDetail,
    ErrorEvent,
    FunctionCallDelta,
    FunctionDefinition,
    FunctionTool,
    ImageFile,
    ImageFileContent,
    JsonSchema,
    JsonSchemaFormat,
    ListPage,
    Message,
    MessageDelta,
    MessagePiece,
    ModifyAssistant,
    OtherTool,
    Run,
    RunEvent,
    TextDelta,
    TextInput,
    TextValueDelta,
    Thread,
    Tool,
    no_such,
)


def test_an_object_says_every_field_and_null_where_there_is_nothing() -> None:
    thread = Thread(id="thread_1", created_at=1)
    assert thread.wire() == {
        "id": "thread_1",
        "object": "thread",
        "created_at": 1,
        "tool_resources": None,
        "metadata": {},
    }


def test_a_new_run_has_the_defaults_of_the_real_wire() -> None:
    said = Run(id="r", created_at=1, thread_id="t", assistant_id="a", status="queued", model="m").wire()
    assert said["truncation_strategy"] == {"type": "auto", "last_messages": None}
    assert (said["tool_choice"], said["response_format"], said["parallel_tool_calls"]) == ("auto", "auto", True)
    assert (said["tool_resources"], said["metadata"], said["temperature"], said["top_p"]) == ({}, {}, 1.0, 1.0)
    assert said["usage"] is said["last_error"] is said["required_action"] is None


def test_an_empty_list_has_null_ids() -> None:
    empty: dict[str, Any] = {"object": "list", "data": [], "first_id": None, "last_id": None, "has_more": False}
    assert ListPage[Message](data=[]).wire() == empty


def message_delta(text: TextValueDelta) -> dict[str, Any]:
    delta = MessageDelta(id="msg_1", delta=MessagePiece(content=[TextDelta(index=0, text=text)]))
    said: dict[str, Any] = json.loads(delta.wire_json())["delta"]["content"][0]["text"]
    return said


def test_a_text_delta_says_only_what_it_has() -> None:
    assert message_delta(TextValueDelta(value="Hi", annotations=[])) == {"value": "Hi", "annotations": []}
    assert message_delta(TextValueDelta(value="Hi")) == {"value": "Hi"}
    assert message_delta(TextValueDelta(value="Hi", annotations=None)) == {"value": "Hi"}


def test_the_first_piece_of_a_function_call_has_a_null_output_and_later_ones_none() -> None:
    first = CalledFunctionDelta(name="f", arguments="", output=None)
    assert FunctionCallDelta(index=0, id="call_1", function=first).wire() == {
        "index": 0,
        "id": "call_1",
        "type": "function",
        "function": {"name": "f", "arguments": "", "output": None},
    }
    later = FunctionCallDelta(index=0, function=CalledFunctionDelta(arguments="{"))
    assert later.wire() == {"index": 0, "type": "function", "function": {"arguments": "{"}}


def test_a_request_says_what_was_set_and_null_where_that_is_none() -> None:
    assert ModifyAssistant(name=None).wire() == {"name": None}
    assert ModifyAssistant().wire() == {}


def test_a_request_keeps_the_constants_inside_of_it() -> None:
    tools: list[Tool] = [CodeInterpreterTool(), FunctionTool(function=FunctionDefinition(name="f"))]
    schema = JsonSchemaFormat(json_schema=JsonSchema(name="answer", schema={"type": "object"}))
    assert CreateAssistant(model="m", tools=tools, response_format=schema).wire() == {
        "model": "m",
        "tools": [{"type": "code_interpreter"}, {"type": "function", "function": {"name": "f"}}],
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": {"type": "object"}},
        },
    }
    content: list[ContentInput] = [TextInput(text="Look."), ImageFileContent(image_file=ImageFile(file_id="file-1"))]
    assert CreateMessage(role="user", content=content).wire()["content"] == [
        {"type": "text", "text": "Look."},
        {"type": "image_file", "image_file": {"file_id": "file-1"}},
    ]


def test_unknown_tools_are_kept_in_objects_and_refused_in_requests() -> None:
    tool = {"type": "bing_grounding", "bing_grounding": {"connections": []}}
    assistant = Assistant.model_validate({"id": "a", "created_at": 1, "model": "m", "tools": [tool]})
    assert isinstance(assistant.tools[0], OtherTool)
    assert assistant.wire()["tools"] == [tool]
    with pytest.raises(ValidationError):
        CreateRun.model_validate({"assistant_id": "a", "tools": [tool]})


def test_a_malformed_object_of_a_known_kind_is_not_taken_for_an_unknown_one() -> None:
    with pytest.raises(ValidationError):
        Assistant.model_validate({"id": "a", "created_at": 1, "model": "m", "tools": [{"type": "function"}]})


def test_events_are_server_sent_text_on_one_line_of_data() -> None:
    run = Run(id="r", created_at=1, thread_id="t", assistant_id="a", status="queued", model="m", instructions="a\nb")
    head, data, *end = RunEvent("thread.run.queued", run).sse().split("\n")
    assert (head, end) == ("event: thread.run.queued", ["", ""])
    assert json.loads(data.removeprefix("data: ")) == run.wire()
    assert DoneEvent().sse() == "event: done\ndata: [DONE]\n\n"


def test_an_error_event_is_read_by_those_who_expect_it_bare_and_wrapped() -> None:
    data = json.loads(ErrorEvent("error", ErrorDetail(message="Oh.")).sse().splitlines()[1].removeprefix("data: "))
    bare = {"message": "Oh.", "type": "invalid_request_error", "param": None, "code": None}
    assert data == {**bare, "error": bare}


def test_a_failure_has_the_body_of_the_api() -> None:
    failure = no_such("thread", "thread_9")
    assert failure.status == 404
    assert failure.body().wire() == {
        "error": {
            "message": "No thread found with id 'thread_9'.",
            "type": "invalid_request_error",
            "param": None,
            "code": None,
        }
    }
