"""A request that is sent again under its Idempotency-Key does nothing twice, whatever became of the first answer."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from openai import AsyncOpenAI, NotFoundError

from assistants.contract import BETA, BETA_HEADER
from assistants.service import store
from assistants.service.scripted import ScriptedCall, ScriptedModel, ScriptedReply
from storage.database import Database
from tests.service.test_openai import names_in

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

KEY = {"Idempotency-Key": "once"}
HELLO = {"role": "user", "content": "hello"}
NOW: Any = {"type": "function", "function": {"name": "now"}}


async def test_a_message_sent_twice_is_one_message(tcp: httpx.AsyncClient) -> None:
    thread = (await tcp.post("/threads", json={})).json()["id"]
    first = await tcp.post(f"/threads/{thread}/messages", json=HELLO, headers=KEY)
    again = await tcp.post(f"/threads/{thread}/messages", json=HELLO, headers=KEY)
    assert again.json() == first.json()
    assert again.headers["idempotent-replayed"] == "true"
    assert len((await tcp.get(f"/threads/{thread}/messages")).json()["data"]) == 1


async def test_a_change_sent_twice_does_not_undo_a_later_one(stock: AsyncOpenAI) -> None:
    assistant = await stock.beta.assistants.create(model="default")
    store = await stock.vector_stores.create()
    for update, thing in ((stock.beta.assistants.update, assistant), (stock.vector_stores.update, store)):
        told = [
            await update(thing.id, name=name, extra_headers={"Idempotency-Key": f"{name} of {thing.id}"})
            for name in ("first", "second", "first")
        ]
        assert [one.name for one in told] == ["first", "second", "first"]
    assert (await stock.beta.assistants.retrieve(assistant.id)).name == "second"
    assert (await stock.vector_stores.retrieve(store.id)).name == "second"


async def test_a_thread_that_is_asked_for_twice_has_one_vector_store(stock: AsyncOpenAI) -> None:
    resources: Any = {"file_search": {"vector_stores": [{"metadata": {"a": "1"}}]}}
    threads = [await stock.beta.threads.create(tool_resources=resources, extra_headers=KEY) for _ in range(2)]
    assert threads[0].id == threads[1].id
    assert len([store async for store in stock.vector_stores.list()]) == 1


async def test_a_thread_that_is_asked_for_at_the_same_time_leaves_one_vector_store(stock: AsyncOpenAI) -> None:
    resources: Any = {"file_search": {"vector_stores": [{}]}}
    asked = (stock.beta.threads.create(tool_resources=resources, extra_headers=KEY) for _ in range(8))
    threads = await asyncio.gather(*asked)
    assert len({thread.id for thread in threads}) == 1
    held: Any = threads[0].tool_resources
    assert [store.id async for store in stock.vector_stores.list()] == held.file_search.vector_store_ids


async def test_a_request_that_comes_to_nothing_leaves_no_vector_store(stock: AsyncOpenAI, database: Database) -> None:
    """It is made in the request's own transaction: a process that is killed leaves both or neither."""
    file = await stock.files.create(file=("a.txt", b"Hello."), purpose="assistants")
    resources: Any = {"file_search": {"vector_stores": [{"file_ids": [file.id]}]}}
    with pytest.raises(NotFoundError):
        await stock.beta.threads.update("thread_none", tool_resources=resources)
    assert [store async for store in stock.vector_stores.list()] == []
    assert await database.read("select 1 from vector_store_files") == []
    made: Any = (await stock.beta.threads.create(tool_resources=resources)).tool_resources
    [kept] = made.file_search.vector_store_ids
    assert [held.id async for held in stock.vector_stores.files.list(kept)] == [file.id]


async def test_a_key_that_was_used_for_something_else_is_refused(tcp: httpx.AsyncClient) -> None:
    await tcp.post("/threads", json={}, headers=KEY)
    for path, body in (("/threads", {"metadata": {"a": "1"}}), ("/assistants", {"model": "default"})):
        refused = await tcp.post(path, json=body, headers=KEY)
        assert (refused.status_code, refused.json()["error"]["type"]) == (422, "idempotency_error")


async def test_a_request_that_was_refused_may_be_made_again(tcp: httpx.AsyncClient, database: Database) -> None:
    body = {"assistant_id": "asst_1"}
    assert (await tcp.post("/threads/runs", json=body, headers=KEY)).status_code == 404
    made = (await tcp.post("/assistants", json={"model": "default"})).json()
    await database.write(lambda tx: tx.execute("update assistants set id = 'asst_1' where id = :id", id=made["id"]))
    assert (await tcp.post("/threads/runs", json=body, headers=KEY)).status_code == 200


async def test_a_stream_requested_twice_is_one_run_streamed_twice(
    tcp: httpx.AsyncClient, script: ScriptedModel
) -> None:
    script.play(ScriptedReply(text="Let me look.", tool_calls=(ScriptedCall("now", '{"a": 1}', id="call_1"),)))
    assistant = (await tcp.post("/assistants", json={"model": "default", "tools": [NOW]})).json()["id"]
    body = {"assistant_id": assistant, "thread": {"messages": [HELLO]}, "stream": True}
    first, again = [await tcp.post("/threads/runs", json=body, headers=KEY) for _ in range(2)]
    told = names_in(first.text)
    assert told[0] == "thread.created"
    assert names_in(again.text) == told[1:]
    assert last(first) == last(again)
    run = last(again)
    outputs = {"tool_outputs": [{"tool_call_id": "call_1", "output": "noon"}], "stream": True}
    path = f"/threads/{run['thread_id']}/runs/{run['id']}/submit_tool_outputs"
    ended = [await tcp.post(path, json=outputs, headers={"Idempotency-Key": "outputs"}) for _ in range(2)]
    assert last(ended[0]) == last(ended[1])
    assert last(ended[1])["status"] == "completed"
    assert len(script.requests) == 2


def last(stream: httpx.Response) -> dict[str, Any]:
    lines = [line for line in stream.text.splitlines() if '"object":"thread.run"' in line]
    run: dict[str, Any] = json.loads(lines[-1].removeprefix("data: "))
    return run


async def test_an_idempotency_key_is_stored_with_its_change(tcp: httpx.AsyncClient, database: Database) -> None:
    """If the key were stored after the change, a kill between the two would let the change be done twice."""
    seen: list[Any] = []

    def both(tx: Any, *args: Any, **kwargs: Any) -> None:
        seen.append(tx.query("select 1 from answered_requests"))
        original(tx, *args, **kwargs)

    original = store.add
    headers = {**KEY, BETA_HEADER: BETA}
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(store, "add", both)
        await tcp.post("/assistants", json={"model": "default"}, headers=headers)
    assert seen == [[]]
    assert len(await database.read("select 1 from answered_requests")) == 1
