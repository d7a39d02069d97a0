"""Servers that are looser than the contract are read all the same."""

from typing import Any

import pytest

from assistants.connector import AssistantsClient
from tests.connector.objects import ASSISTANT, listed, message, run
from tests.connector.server import Server, js, sse


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
