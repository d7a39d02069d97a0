"""Every operation asks the path, method, query and body that the API has, and gives a typed answer."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, get_type_hints

import pytest
from pydantic import BaseModel

from assistants.connector import AssistantsClient, BadRequestError, options
from assistants.contract import (
    CodeInterpreterTool,
    CreateAssistant,
    CreateMessage,
    CreateRun,
    CreateThread,
    CreateThreadAndRun,
    FunctionCall,
    ModifyAssistant,
    ModifyThread,
    OtherContent,
    ToolCalls,
)
from tests.connector.objects import ASSISTANT, STEP, THREAD, listed, message, run
from tests.connector.server import Server, js

Call = Callable[[AssistantsClient], Awaitable[Any]]
MESSAGES = [{"role": "user", "content": "Hi"}]
OUTPUTS = [{"tool_call_id": "call_1", "output": "12 °C"}]
DELETED = {"id": "x", "object": "thread.deleted", "deleted": True}
MODELS = {"object": "list", "data": [{"id": "m", "object": "model", "created": 1, "owned_by": "o"}]}

OPERATIONS: list[tuple[Call, dict[str, Any], str, Any]] = [
    (lambda c: c.assistants.create(model="m", name="N"), ASSISTANT, "POST assistants", {"model": "m", "name": "N"}),
    (lambda c: c.assistants.retrieve("asst_1"), ASSISTANT, "GET assistants/asst_1", None),
    (lambda c: c.assistants.modify("asst_1", name=None), ASSISTANT, "POST assistants/asst_1", {"name": None}),
    (lambda c: c.assistants.delete("asst_1"), DELETED, "DELETE assistants/asst_1", None),
    (lambda c: c.threads.create(), THREAD, "POST threads", {}),
    (lambda c: c.threads.create(messages=MESSAGES), THREAD, "POST threads", {"messages": MESSAGES}),
    (lambda c: c.threads.retrieve("thread_1"), THREAD, "GET threads/thread_1", None),
    (
        lambda c: c.threads.modify("thread_1", metadata={"a": "b"}),
        THREAD,
        "POST threads/thread_1",
        {"metadata": {"a": "b"}},
    ),
    (lambda c: c.threads.delete("thread_1"), DELETED, "DELETE threads/thread_1", None),
    (
        lambda c: c.threads.create_and_run(assistant_id="asst_1", thread={"messages": MESSAGES}),
        run(),
        "POST threads/runs",
        {"assistant_id": "asst_1", "thread": {"messages": MESSAGES}},
    ),
    (
        lambda c: c.threads.messages.create("thread_1", content="Hi"),
        message(),
        "POST threads/thread_1/messages",
        {"role": "user", "content": "Hi"},
    ),
    (
        lambda c: c.threads.messages.retrieve("thread_1", "msg_1"),
        message(),
        "GET threads/thread_1/messages/msg_1",
        None,
    ),
    (
        lambda c: c.threads.messages.modify("thread_1", "msg_1", metadata=None),
        message(),
        "POST threads/thread_1/messages/msg_1",
        {"metadata": None},
    ),
    (lambda c: c.threads.messages.delete("thread_1", "msg_1"), DELETED, "DELETE threads/thread_1/messages/msg_1", None),
    (
        lambda c: c.threads.runs.create("thread_1", assistant_id="asst_1", tools=(CodeInterpreterTool(),)),
        run(),
        "POST threads/thread_1/runs",
        {"assistant_id": "asst_1", "tools": [{"type": "code_interpreter"}]},
    ),
    (lambda c: c.threads.runs.retrieve("thread_1", "run_1"), run(), "GET threads/thread_1/runs/run_1", None),
    (
        lambda c: c.threads.runs.modify("thread_1", "run_1", metadata={}),
        run(),
        "POST threads/thread_1/runs/run_1",
        {"metadata": {}},
    ),
    (lambda c: c.threads.runs.cancel("thread_1", "run_1"), run(), "POST threads/thread_1/runs/run_1/cancel", None),
    (
        lambda c: c.threads.runs.submit_tool_outputs("thread_1", "run_1", tool_outputs=OUTPUTS),
        run(),
        "POST threads/thread_1/runs/run_1/submit_tool_outputs",
        {"tool_outputs": OUTPUTS},
    ),
    (
        lambda c: c.threads.runs.steps.retrieve("thread_1", "run_1", "step_1"),
        STEP,
        "GET threads/thread_1/runs/run_1/steps/step_1",
        None,
    ),
    (lambda c: c.models.list(), MODELS, "GET models", None),
]


@pytest.mark.parametrize(("call", "answer", "asked", "body"), OPERATIONS, ids=[row[2] for row in OPERATIONS])
async def test_each_operation_asks_what_the_api_has(
    server: Server, client: AssistantsClient, call: Call, answer: dict[str, Any], asked: str, body: Any
) -> None:
    server.will(js(answer))
    got = await call(client)
    (request,) = server.asked
    method, path = asked.split()
    assert (request.method, request.path, request.body) == (method, f"/v1/{path}", body)
    assert request.headers["openai-beta"] == "assistants=v2"
    assert request.headers["authorization"] == "Bearer sk-very-secret"
    if isinstance(got, BaseModel):
        assert answer.items() <= got.model_dump(mode="json").items()


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
    ],
)
def test_the_options_of_a_call_are_the_fields_of_its_request(
    request_model: type[BaseModel], accepted: type, besides: set[str]
) -> None:
    assert set(get_type_hints(accepted)) | besides == set(request_model.model_fields)
