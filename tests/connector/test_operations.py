"""Every operation asks the path, method, query and body that the API has, and gives a typed answer."""

import inspect
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from typing import Any, get_type_hints
from unittest.mock import MagicMock

import pytest
import yaml
from pydantic import BaseModel

from assistants.connector import AssistantsClient, BadRequestError, options
from assistants.contract import (
    CreateAssistant,
    CreateFile,
    CreateMessage,
    CreateRun,
    CreateThread,
    CreateThreadAndRun,
    CreateVectorStore,
    CreateVectorStoreFile,
    CreateVectorStoreFileBatch,
    FilesQuery,
    FunctionCall,
    ListQuery,
    MessagesQuery,
    ModifyAssistant,
    ModifyThread,
    ModifyVectorStore,
    OtherContent,
    SearchVectorStore,
    ToolCalls,
    VectorStoreFilesQuery,
)
from tests.conftest import Facts
from tests.connector.calls import OPERATIONS
from tests.connector.objects import FOUND, STEP, THREAD, listed, message, run
from tests.connector.server import Server, js


def test_there_is_a_call_for_every_operation_of_the_api(api: dict[str, Any]) -> None:
    assert set(OPERATIONS) == set(api)
    assert len(api) == 51


@pytest.mark.parametrize("name", OPERATIONS)
def test_each_call_asks_its_own_operation(api: dict[str, Any], name: str) -> None:
    method, template = api[name]
    asks = OPERATIONS[name].asks
    pattern = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(f"{method} {template}"))
    assert re.fullmatch(pattern, asks), asks


async def test_no_public_call_is_left_out_of_the_table(client: AssistantsClient) -> None:
    # What has no operation of its own is made of those that have.
    made_of_others = {"stream", "create_and_stream", "submit_and_stream", "run_tools", "drive", "wait", "upload"}
    recorder = MagicMock()
    for operation in OPERATIONS.values():
        if inspect.isawaitable(waiting := operation.call(recorder)):
            with suppress(TypeError):  # the recorder gives nothing to await
                await waiting
    called = {name for name, _, _ in recorder.mock_calls}
    there = {name for name in public(client) if name.rpartition(".")[2] not in made_of_others}
    assert there - called == {"aclose"}


def public(group: Any, within: str = "") -> Iterator[str]:
    """Every method by its dotted name, through all groups of resources."""
    for name, value in inspect.getmembers(group, lambda value: not isinstance(value, type)):
        if name.startswith("_"):
            continue
        if inspect.ismethod(value):
            yield f"{within}{name}"
        else:
            yield from public(value, f"{within}{name}.")


@pytest.mark.parametrize("name", OPERATIONS)
async def test_each_operation_asks_what_the_api_has(server: Server, client: AssistantsClient, name: str) -> None:
    operation = OPERATIONS[name]
    server.will(js(operation.answer))
    got = await operation.call(client)
    (request,) = server.asked
    method, path = operation.asks.split()
    assert (request.method, request.path, request.body) == (method, f"/v1/{path}", operation.body)
    assert request.query == (operation.query or {})
    assert request.headers["openai-beta"] == "assistants=v2"
    assert request.headers["authorization"] == "Bearer sk-very-secret"
    if isinstance(got, BaseModel):
        said = got.model_dump(mode="json")
        assert said | operation.answer == said or said["data"][0] | operation.answer["data"][0] == said["data"][0]


@pytest.fixture(scope="module")
def api(shared_facts: Facts) -> dict[str, tuple[str, str]]:
    """Each operation's method and path, by its name."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    described = yaml.load((shared_facts / "openapi.yaml").read_text(), loader)  # noqa: S506 - a safe loader
    return {
        operation["operationId"]: (method.upper(), path.removeprefix("/"))
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
        if method in ("get", "post", "delete")
    }


async def test_filters_may_be_combined(server: Server, client: AssistantsClient) -> None:
    old, mine = {"type": "lt", "key": "year", "value": 2020}, {"type": "in", "key": "author", "value": ["Ada", "Eve"]}
    either = {"type": "or", "filters": [old, {"type": "and", "filters": [mine]}]}
    server.will(js(FOUND))
    found = await client.vector_stores.search("vs_1", "notes", filters=either)
    assert server.asked[0].body == {"query": "notes", "filters": either}
    assert found.data[0].content[0].text == "All of it."


async def test_without_a_key_none_is_sent(server: Server) -> None:
    server.will(js(THREAD))
    async with AssistantsClient(server.url) as client:
        await client.threads.retrieve("thread_1")
    assert "authorization" not in server.asked[0].headers


async def ids(items: AsyncIterator[Any]) -> list[str]:
    return [item.id async for item in items]


async def test_a_list_pages_by_itself(server: Server, client: AssistantsClient) -> None:
    server.will(
        js(listed(message("msg_1"), message("msg_2"), more=True)),
        js(listed(message("msg_3"), more=True)),
        js(listed()),
    )
    messages = client.threads.messages.list("thread_1", run_id="run_1", order="asc", limit=2)
    assert await ids(aiter(messages)) == ["msg_1", "msg_2", "msg_3"]
    first = {"run_id": ["run_1"], "order": ["asc"], "limit": ["2"]}
    assert [asked.query for asked in server.asked] == [
        first,
        {**first, "after": ["msg_2"]},
        {**first, "after": ["msg_3"]},
    ]


async def test_a_list_gives_the_page_at_hand(server: Server, client: AssistantsClient) -> None:
    server.will(js(listed(run("queued"), run("completed"), more=True)))
    page = await client.threads.runs.list("thread_1", before="run_9").page()
    assert [item.status for item in page.data] == ["queued", "completed"]
    assert page.has_more
    assert server.asked[0].query == {"before": ["run_9"], "order": ["desc"]}


async def test_a_server_that_ignores_the_cursor_is_not_asked_for_ever(server: Server, client: AssistantsClient) -> None:
    server.will(*[js(listed(message("msg_1"), more=True)) for _ in range(3)])
    assert await ids(aiter(client.threads.messages.list("thread_1"))) == ["msg_1", "msg_1"]
    assert len(server.asked) == 2


async def test_a_list_of_steps_is_typed(server: Server, client: AssistantsClient) -> None:
    server.will(js(listed(STEP)))
    (step,) = [step async for step in client.threads.runs.steps.list("thread_1", "run_1")]
    assert isinstance(step.step_details, ToolCalls)
    (call,) = step.step_details.tool_calls
    assert isinstance(call, FunctionCall)
    assert call.function.name == "get_weather"


async def test_what_the_contract_does_not_know_is_kept(server: Server, client: AssistantsClient) -> None:
    strange = message()
    strange["content"] = [{"type": "audio", "audio": {"id": "a"}}]
    strange["mood"] = "cheerful"
    server.will(js(strange))
    got = await client.threads.messages.retrieve("thread_1", "msg_1")
    assert isinstance(got.content[0], OtherContent)
    assert got.wire()["content"] == strange["content"]
    assert got.wire()["mood"] == "cheerful"


async def test_what_the_contract_forbids_is_refused_before_it_is_sent(server: Server, client: AssistantsClient) -> None:
    with pytest.raises(BadRequestError, match="Unknown parameter: 'instruction'") as refused:
        await client.assistants.create(model="m", instruction="Be kind.")  # type: ignore[call-arg]
    assert (refused.value.code, refused.value.param) == ("unknown_parameter", "instruction")
    with pytest.raises(BadRequestError, match=r"Missing required parameter: 'additional_messages\[0\].role'"):
        await client.threads.runs.create("thread_1", assistant_id="a", additional_messages=[{"content": "Hi"}])
    assert server.asked == []


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"metadata": {str(number): "" for number in range(17)}}, "object_above_max_properties"),
        ({"tools": [{"type": "code_interpreter"}] * 129}, "array_above_max_length"),
        ({"instructions": "x" * 256_001}, "string_above_max_length"),
        ({"name": "x" * 257}, "string_above_max_length"),
        ({"temperature": 2.1}, "decimal_above_max_value"),
        ({"reasoning_effort": "very"}, "invalid_value"),
    ],
)
async def test_the_apis_limits_hold_before_anything_is_sent(
    server: Server, client: AssistantsClient, wrong: dict[str, Any], code: str
) -> None:
    with pytest.raises(BadRequestError) as refused:
        await client.assistants.create(model="m", **wrong)
    assert (refused.value.status, refused.value.code, server.asked) == (400, code, [])


@pytest.mark.parametrize("nothing", ["", ".", ".."])
async def test_an_id_that_names_nothing_does_not_reach_another_resource(
    server: Server, client: AssistantsClient, nothing: str
) -> None:
    with pytest.raises(BadRequestError, match="Missing required parameter: 'thread_id'"):
        await client.threads.delete(nothing)
    assert server.asked == []


async def test_an_id_is_quoted(server: Server, client: AssistantsClient) -> None:
    server.will(js(THREAD))
    await client.threads.retrieve("a/b?c")
    assert server.asked[0].path == "/v1/threads/a%2Fb%3Fc"


@pytest.mark.parametrize(
    ("request_model", "accepted", "besides"),
    [
        (CreateAssistant, options.AssistantInput, set()),
        (ModifyAssistant, options.AssistantChanges, set()),
        (CreateThread, options.ThreadOptions, set()),
        (ModifyThread, options.ThreadChanges, set()),
        (CreateMessage, options.MessageInput, set()),
        (CreateRun, options.RunOptions, {"assistant_id", "stream"}),
        (CreateThreadAndRun, options.ThreadAndRunOptions, {"assistant_id", "stream"}),
        (CreateFile, options.FileOptions, {"purpose"}),
        (CreateVectorStore, options.VectorStoreOptions, set()),
        (ModifyVectorStore, options.VectorStoreChanges, set()),
        (CreateVectorStoreFile, options.IndexingOptions, {"file_id"}),
        (CreateVectorStoreFileBatch, options.IndexingOptions, {"file_ids", "files"}),
        (SearchVectorStore, options.SearchOptions, {"query"}),
        (ListQuery, options.ListOptions, set()),
        (FilesQuery, options.FileListOptions, set()),
        (MessagesQuery, options.MessageListOptions, set()),
        (VectorStoreFilesQuery, options.VectorStoreFileListOptions, set()),
    ],
)
def test_the_options_of_a_call_are_the_fields_of_its_request(
    request_model: type[BaseModel], accepted: type, besides: set[str]
) -> None:
    assert set(get_type_hints(accepted)) | besides == set(request_model.model_fields)
