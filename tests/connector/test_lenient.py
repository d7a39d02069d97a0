"""Servers that are looser than the contract are read all the same."""

from typing import Any

import pytest

from assistants.connector import AssistantsClient, NotFoundError, StatusError, UnprocessableError
from assistants.contract import FileSearchTool
from tests.connector.objects import ASSISTANT, listed, message, run
from tests.connector.server import Answer, Server, js, page, sse


def without(value: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: item for name, item in value.items() if name not in names}


async def test_times_may_be_fractions_of_seconds(server: Server, client: AssistantsClient) -> None:
    server.will(js(run(created_at=1720104398.73, expires_at=1720104998.5)))
    got = await client.threads.runs.retrieve("thread_1", "run_1")
    assert (got.created_at, got.expires_at) == (1720104398, 1720104998)


async def test_metadata_and_tools_may_be_null(server: Server, client: AssistantsClient) -> None:
    server.will(js({**ASSISTANT, "metadata": None, "tools": None}))
    got = await client.assistants.retrieve("asst_1")
    assert (got.metadata, got.tools) == ({}, [])


async def test_a_ranker_may_be_one_of_the_servers_own(server: Server, client: AssistantsClient) -> None:
    search = {"type": "file_search", "file_search": {"ranking_options": {"ranker": "hybrid", "score_threshold": 0.5}}}
    server.will(js({**ASSISTANT, "tools": [search]}))
    (tool,) = (await client.assistants.retrieve("asst_1")).tools
    assert isinstance(tool, FileSearchTool)
    assert tool.file_search is not None
    assert tool.file_search.ranking_options is not None
    assert tool.file_search.ranking_options.score_threshold == 0.5


async def test_a_run_may_say_less(server: Server, client: AssistantsClient) -> None:
    server.will(js(without(run(), "usage", "truncation_strategy", "tool_choice", "tools", "metadata")))
    got = await client.threads.runs.retrieve("thread_1", "run_1")
    assert got.usage is None
    assert got.metadata == {}


@pytest.mark.parametrize("id_", ["65f0a1b2c3d4e5f6a7b8c9d0", "1b4e28ba-2fa1-11d2-883f-0016d3cca427"])
async def test_ids_may_be_of_any_shape(server: Server, client: AssistantsClient, id_: str) -> None:
    server.will(js(run(id=id_)))
    assert (await client.threads.runs.retrieve("thread_1", id_)).id == id_


async def test_a_message_may_come_without_its_status(server: Server, client: AssistantsClient) -> None:
    bare = without(message(role="user"), "status", "completed_at", "incomplete_at", "incomplete_details")
    server.will(js(listed(bare)))
    (got,) = [message async for message in client.threads.messages.list("thread_1")]
    assert got.status == "completed"


async def test_a_list_may_come_without_ids_and_more(server: Server, client: AssistantsClient) -> None:
    server.will(js({"object": "list", "data": [message()], "first_id": None, "last_id": None, "has_more": None}))
    assert [m.id async for m in client.threads.messages.list("thread_1")] == ["msg_1"]


async def test_a_list_may_come_oldest_first_where_nobody_says(server: Server, client: AssistantsClient) -> None:
    server.will(js(listed()), js(listed()))
    await client.threads.messages.list("thread_1").page()
    await client.files.list().page()
    assert [asked.query["order"] for asked in server.asked] == [["desc"], ["desc"]]  # so it is always said


async def test_metadata_may_be_called_otherwise_and_is_not_lost(server: Server, client: AssistantsClient) -> None:
    server.will(js({**without(ASSISTANT, "metadata"), "meta_data": {"a": "b"}}))
    got = await client.assistants.retrieve("asst_1")
    assert (got.metadata, got.wire()["meta_data"]) == ({}, {"a": "b"})


async def test_a_run_may_expire_later_than_in_ten_minutes(server: Server, client: AssistantsClient) -> None:
    server.will(js(run("queued", expires_at=1720104398 + 3600)))
    assert (await client.threads.runs.retrieve("thread_1", "run_1")).expires_at == 1720104398 + 3600


async def test_a_second_run_may_be_accepted_while_one_is_active(server: Server, client: AssistantsClient) -> None:
    server.will(js(run("queued")), js(run("queued", id="run_2")))
    first, second = [await client.threads.runs.create("thread_1", assistant_id="asst_1") for _ in range(2)]
    assert (first.id, second.id) == ("run_1", "run_2")


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        (page(405, "Method Not Allowed", kind="text/plain"), StatusError, None),
        (page(404, "404 page not found", kind="text/plain"), NotFoundError, None),
        (js({"error": {"message": "gone", "code": "not_found_error"}}, status=404), NotFoundError, "not_found_error"),
        (
            js({"error": {"message": "bad", "code": "request_validation_error"}}, status=422),
            UnprocessableError,
            "request_validation_error",
        ),
    ],
)
async def test_refusals_in_plain_text_and_with_unfamiliar_codes_are_errors_of_the_tree(
    server: Server, client: AssistantsClient, answer: Answer, kind: type[StatusError], code: str | None
) -> None:
    server.will(answer)
    with pytest.raises(kind) as caught:
        await client.threads.messages.delete("thread_1", "msg_1")
    assert (caught.value.status, caught.value.code) == (answer.status, code)


async def test_null_annotations_in_a_delta_are_none(server: Server, client: AssistantsClient) -> None:
    piece = '{"index":0,"type":"text","text":{"value":"Hi","annotations":null}}'
    server.will(
        sse(
            'event: thread.message.delta\ndata: {"id":"msg_1","object":"thread.message.delta",'
            f'"delta":{{"content":[{piece}]}}}}\n\nevent: done\ndata: [DONE]\n\n'
        )
    )
    async with client.threads.runs.stream("thread_1", assistant_id="asst_1") as events:
        (seen,) = [event async for event in events]
    assert seen.data.text == "Hi"
    assert "annotations" not in seen.sse()
