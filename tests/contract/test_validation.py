"""What a request does wrong is said in the API's own words, with the parameter named as the API names it."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from assistants.contract import (
    CreateAssistant,
    CreateMessage,
    CreateRun,
    CreateThread,
    CreateUpload,
    CreateVectorStoreFile,
    CreateVectorStoreFileBatch,
    Failure,
    Request,
    SearchVectorStore,
    SubmitToolOutputs,
    from_validation,
)

ASSISTANT = {"model": "m"}
FUNCTION = {"type": "function", "function": {"name": "f"}}
RUN = {"assistant_id": "asst_1"}
OVERLAPPING = {"max_chunk_size_tokens": 500, "chunk_overlap_tokens": 251}


def failure(model: type[Request], body: Any) -> Failure:
    with pytest.raises(ValidationError) as caught:
        model.model_validate(body)
    return from_validation(caught.value, body)


WORDS: list[tuple[type[Request], Any, str, str, str]] = [
    (CreateRun, {}, "Missing required parameter: 'assistant_id'.", "missing_required_parameter", "assistant_id"),
    (CreateRun, {**RUN, "foo": 1}, "Unknown parameter: 'foo'.", "unknown_parameter", "foo"),
    (
        CreateAssistant,
        {**ASSISTANT, "metadata": {str(i): "" for i in range(17)}},
        "Invalid 'metadata': too many properties. Expected an object with at most 16 properties, "
        "but got an object with 17 properties instead.",
        "object_above_max_properties",
        "metadata",
    ),
    (
        CreateAssistant,
        {**ASSISTANT, "metadata": {"a": "x" * 513}},
        "Invalid 'metadata.a': string too long. Expected a string with maximum length 512, "
        "but got a string with length 513 instead.",
        "string_above_max_length",
        "metadata.a",
    ),
    (
        CreateAssistant,
        {**ASSISTANT, "metadata": {"k" * 65: "x"}},
        f"Invalid 'metadata.{'k' * 65}': string too long. Expected a string with maximum length 64, "
        "but got a string with length 65 instead.",
        "string_above_max_length",
        f"metadata.{'k' * 65}",
    ),
    (
        CreateAssistant,
        {**ASSISTANT, "instructions": "x" * 256_001},
        "Invalid 'instructions': string too long. Expected a string with maximum length 256000, "
        "but got a string with length 256001 instead.",
        "string_above_max_length",
        "instructions",
    ),
    (
        CreateAssistant,
        {**ASSISTANT, "tools": [FUNCTION] * 129},
        "Invalid 'tools': array too long. Expected an array with maximum length 128, "
        "but got an array with length 129 instead.",
        "array_above_max_length",
        "tools",
    ),
    (
        CreateAssistant,
        {**ASSISTANT, "tools": [FUNCTION, {"type": "function", "function": {}}]},
        "Missing required parameter: 'tools[1].function.name'.",
        "missing_required_parameter",
        "tools[1].function.name",
    ),
    (
        CreateAssistant,
        {**ASSISTANT, "tools": [{"type": "retrieval"}]},
        "Invalid value: 'retrieval'. Supported values are: 'code_interpreter', 'file_search', 'function'.",
        "invalid_value",
        "tools[0].type",
    ),
    (
        CreateAssistant,
        {**ASSISTANT, "tools": [{}]},
        "Missing required parameter: 'tools[0].type'.",
        "missing_required_parameter",
        "tools[0].type",
    ),
    (
        CreateAssistant,
        {**ASSISTANT, "tools": [{"type": "function", "function": {"name": "no spaces"}}]},
        "Invalid 'tools[0].function.name': string does not match pattern. "
        "Expected a string that matches the pattern '^[a-zA-Z0-9_-]{1,64}$'.",
        "invalid_value",
        "tools[0].function.name",
    ),
    (
        CreateAssistant,
        {"model": 3},
        "Invalid type for 'model': expected a string, but got an integer instead.",
        "invalid_type",
        "model",
    ),
    (
        CreateAssistant,
        {**ASSISTANT, "temperature": "hot"},
        "Invalid type for 'temperature': expected a decimal, but got a string instead.",
        "invalid_type",
        "temperature",
    ),
    (
        CreateAssistant,
        {**ASSISTANT, "temperature": 2.5},
        "Invalid 'temperature': decimal above maximum value. Expected a value <= 2, but got 2.5 instead.",
        "decimal_above_max_value",
        "temperature",
    ),
    (
        CreateRun,
        {**RUN, "max_prompt_tokens": 255},
        "Invalid 'max_prompt_tokens': integer below minimum value. Expected a value >= 256, but got 255 instead.",
        "integer_below_min_value",
        "max_prompt_tokens",
    ),
    (
        CreateRun,
        {**RUN, "tool_choice": "maybe"},
        "Invalid value: 'maybe'. Supported values are: 'none', 'auto', 'required'.",
        "invalid_value",
        "tool_choice",
    ),
    (
        CreateRun,
        {**RUN, "response_format": {"type": "xml"}},
        "Invalid value: 'xml'. Supported values are: 'text', 'json_object', 'json_schema'.",
        "invalid_value",
        "response_format.type",
    ),
    (
        CreateMessage,
        {"role": "system", "content": "x"},
        "Invalid value: 'system'. Supported values are: 'user', 'assistant'.",
        "invalid_value",
        "role",
    ),
    (
        CreateMessage,
        {"role": "user", "content": []},
        "Invalid 'content': empty array. Expected an array with minimum length 1, but got an empty array instead.",
        "empty_array",
        "content",
    ),
    (
        CreateThread,
        {"messages": [{"role": "user", "content": [{"type": "text"}]}]},
        "Missing required parameter: 'messages[0].content[0].text'.",
        "missing_required_parameter",
        "messages[0].content[0].text",
    ),
    (
        SubmitToolOutputs,
        {"tool_outputs": [{"output": "x"}]},
        "Missing required parameter: 'tool_outputs[0].tool_call_id'.",
        "missing_required_parameter",
        "tool_outputs[0].tool_call_id",
    ),
    (
        CreateAssistant,
        {**ASSISTANT, "tools": [FUNCTION, {"type": "function", "function": {"name": "f", "paramters": {}}}]},
        "Unknown parameter: 'tools[1].function.paramters'.",
        "unknown_parameter",
        "tools[1].function.paramters",
    ),
    (
        CreateThread,
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "u", "size": 1}}]}]},
        "Unknown parameter: 'messages[0].content[0].image_url.size'.",
        "unknown_parameter",
        "messages[0].content[0].image_url.size",
    ),
    (
        CreateUpload,
        {"filename": "a", "purpose": "vision", "mime_type": "image/png", "bytes": 9_000_000_000},
        "Invalid 'bytes': integer above maximum value. Expected a value <= 8589934592, but got 9000000000 instead.",
        "integer_above_max_value",
        "bytes",
    ),
    (
        CreateVectorStoreFile,
        {"file_id": "file-1", "chunking_strategy": {"type": "static", "static": OVERLAPPING}},
        "Invalid 'chunking_strategy.static': chunk_overlap_tokens must not exceed half of max_chunk_size_tokens.",
        "invalid_value",
        "chunking_strategy.static",
    ),
    (
        CreateVectorStoreFile,
        {"file_id": "file-1", "attributes": {"year": "x" * 513}},
        "Invalid 'attributes.year': string too long. Expected a string with maximum length 512, "
        "but got a string with length 513 instead.",
        "string_above_max_length",
        "attributes.year",
    ),
    (
        CreateVectorStoreFileBatch,
        {"file_ids": ["file-1"], "files": [{"file_id": "file-1"}]},
        "Invalid 'file_ids': give either file_ids or files.",
        "invalid_value",
        "file_ids",
    ),
    (
        CreateAssistant,
        {
            "model": "m",
            "tools": [
                {
                    "type": "file_search",
                    "file_search": {"ranking_options": {"ranker": "best", "score_threshold": 0}},
                }
            ],
        },
        "Invalid value: 'best'. Supported values are: 'auto', 'default_2024_08_21'.",
        "invalid_value",
        "tools[0].file_search.ranking_options.ranker",
    ),
    (
        SearchVectorStore,
        {"query": 7},
        "Invalid type for 'query': expected a string, but got an integer instead.",
        "invalid_type",
        "query",
    ),
    (
        SearchVectorStore,
        {"query": "x", "filters": {"type": "and", "filters": [{"type": "like"}]}},
        "Invalid value: 'like'. Supported values are: 'eq', 'ne', 'gt', 'gte', 'lt', 'lte', 'in', 'nin', 'and', 'or'.",
        "invalid_value",
        "filters.filters[0].type",
    ),
]


@pytest.mark.parametrize(("model", "body", "message", "code", "param"), WORDS, ids=[row[2][:60] for row in WORDS])
def test_a_wrong_request_is_refused_in_the_words_of_the_api(
    model: type[Request], body: Any, message: str, code: str, param: str
) -> None:
    assert failure(model, body) == Failure(400, message, code=code, param=param)


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b'"text"', b"\xff"])
def test_what_is_no_json_object_is_said_to_be_none(body: bytes) -> None:
    with pytest.raises(ValidationError) as caught:
        CreateRun.read(body)
    assert from_validation(caught.value).message.startswith("We could not parse the JSON body of your request.")


def test_the_locations_of_a_web_framework_are_named_without_where_they_came_from() -> None:
    class FromBody:
        def errors(self) -> list[dict[str, Any]]:
            return [{"type": "missing", "loc": ("body", "assistant_id"), "input": {}, "msg": "Field required"}]

    assert from_validation(FromBody(), {}).param == "assistant_id"


def test_what_is_right_passes_with_json_types_only() -> None:
    body = {
        **RUN,
        "temperature": 1,
        "tools": [FUNCTION, {"type": "code_interpreter"}],
        "tool_choice": {"type": "function", "function": {"name": "f"}},
        "truncation_strategy": {"type": "last_messages", "last_messages": 10},
        "additional_messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}],
        "metadata": None,
    }
    assert CreateRun.read(json.dumps(body)).wire() == body
