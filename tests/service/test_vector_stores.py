"""Vector stores take files in, cut them, find what they hold, and go when nobody uses them."""

import asyncio
import io
import json
from typing import Any

import httpx
import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai import AsyncOpenAI

from assistants.contract import ChunkSizes
from assistants.service import housekeeping, indexing
from storage import objects
from storage.database import Database
from tests.service import documents

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

CATS = "Cats sleep for most of the day. " * 30
RAIN = "It rains in Bergen. The umbrella was invented elsewhere. " * 30


def named(name: str, text: str) -> tuple[str, io.BytesIO]:
    return name, io.BytesIO(text.encode())


async def indexed(stock: AsyncOpenAI, store_id: str) -> None:
    """Return when a store has worked off its files, polled as every client does."""
    while True:
        if (await stock.vector_stores.retrieve(store_id)).status != "in_progress":
            return
        await asyncio.sleep(0.01)


async def test_uploaded_files_are_found_by_what_they_say(stock: AsyncOpenAI) -> None:
    store = await stock.vector_stores.create(name="Notes", metadata={"a": "1"})
    assert (store.status, store.file_counts.total, store.usage_bytes) == ("completed", 0, 0)
    cats = await stock.vector_stores.files.upload_and_poll(
        vector_store_id=store.id, file=named("cats.txt", CATS), attributes={"kind": "animal", "year": 2024}
    )
    assert (cats.status, cats.last_error) == ("completed", None)
    await stock.vector_stores.files.upload_and_poll(vector_store_id=store.id, file=named("rain.md", RAIN))
    found = [result async for result in stock.vector_stores.search(store.id, query="sleeping cat")]
    assert [(result.filename, result.attributes) for result in found] == [
        ("cats.txt", {"kind": "animal", "year": 2024})
    ]
    assert 0 < found[0].score <= 1
    assert "Cats sleep" in found[0].content[0].text
    assert [r.filename async for r in stock.vector_stores.search(store.id, query=["umbrella", "Bergen"])] == ["rain.md"]
    assert [r async for r in stock.vector_stores.search(store.id, query="?!")] == []
    now = await stock.vector_stores.retrieve(store.id)
    assert (now.file_counts.completed, now.file_counts.total, now.status) == (2, 2, "completed")
    assert now.usage_bytes == sum([f.usage_bytes async for f in stock.vector_stores.files.list(store.id)]) > 0


async def test_a_question_is_rewritten_as_what_it_looks_for(stock: AsyncOpenAI) -> None:
    store = await stock.vector_stores.create()
    await stock.vector_stores.files.upload_and_poll(vector_store_id=store.id, file=named("cats.txt", CATS))
    asked = {"vector_store_id": store.id, "query": "Where is it that a cat would sleep?"}
    plain, better = [await found_by(stock, **asked, rewrite_query=rewrite) for rewrite in (False, True)]
    assert plain["search_query"] == ["Where is it that a cat would sleep?"]
    assert better["search_query"] == ["cat sleep"]
    assert better["data"][0]["score"] > plain["data"][0]["score"]
    only = await found_by(stock, vector_store_id=store.id, query="What is it?", rewrite_query=True)
    assert only["search_query"] == ["What is it?"]


async def test_without_a_ranker_the_order_is_the_indexs_own(stock: AsyncOpenAI) -> None:
    store = await stock.vector_stores.create()
    for name, text in (
        ("often.txt", "apple apple apple"),
        ("both.txt", "apple and pear, " + "and much besides " * 100),
        *((f"{number}.txt", f"nothing of it {number}") for number in range(4)),
    ):
        await stock.vector_stores.files.upload_and_poll(vector_store_id=store.id, file=named(name, text))
    asked: dict[str, Any] = {"vector_store_id": store.id, "query": "apple pear"}
    ranked = await found_by(stock, **asked, ranking_options={"ranker": "auto"})
    plain = await found_by(stock, **asked, ranking_options={"ranker": "none"})
    assert [result["filename"] for result in ranked["data"]] == ["both.txt", "often.txt"]
    assert [result["filename"] for result in plain["data"]] == ["often.txt", "both.txt"]


async def found_by(stock: AsyncOpenAI, **asked: Any) -> dict[str, Any]:
    """The whole answer to a search, of which the SDK shows the data alone."""
    answer = await stock.vector_stores.with_raw_response.search(**asked)
    found: dict[str, Any] = json.loads(answer.text)
    return found


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ({"type": "eq", "key": "kind", "value": "a"}, {"1"}),
        ({"type": "ne", "key": "kind", "value": "a"}, {"2", "3"}),
        ({"type": "gt", "key": "year", "value": 2000}, {"2"}),
        ({"type": "lte", "key": "year", "value": 2000}, {"1"}),
        ({"type": "gte", "key": "kind", "value": 1}, set()),
        ({"type": "in", "key": "year", "value": [2000, 1]}, {"1"}),
        ({"type": "nin", "key": "year", "value": [2000, 2001]}, {"3"}),
        ({"type": "eq", "key": "draft", "value": True}, {"2"}),
        ({"type": "eq", "key": 'a"b.c', "value": "x"}, {"3"}),
        (
            {
                "type": "or",
                "filters": [
                    {"type": "eq", "key": "kind", "value": "a"},
                    {
                        "type": "and",
                        "filters": [
                            {"type": "eq", "key": "draft", "value": True},
                            {"type": "lt", "key": "year", "value": 3000},
                        ],
                    },
                ],
            },
            {"1", "2"},
        ),
    ],
)
async def test_filters_look_at_attributes(stock: AsyncOpenAI, filters: Any, names: set[str]) -> None:
    store = await stock.vector_stores.create()
    attributes: list[dict[str, Any]] = [
        {"kind": "a", "year": 2000},
        {"kind": "b", "year": 2001, "draft": True},
        {'a"b.c': "x"},
    ]
    for number, said in enumerate(attributes, start=1):
        await stock.vector_stores.files.upload_and_poll(
            vector_store_id=store.id, file=named(str(number), "the same words"), attributes=said
        )
    found = stock.vector_stores.search(store.id, query="words", filters=filters)
    assert {result.filename async for result in found} == names


async def test_a_batch_is_polled_to_its_end_and_tells_what_failed(stock: AsyncOpenAI) -> None:
    store = await stock.vector_stores.create()
    batch = await stock.vector_stores.file_batches.upload_and_poll(
        store.id, files=[named("a.txt", "apples"), named("b.bin", "\0\1"), named("c.txt", "cherries")]
    )
    assert (batch.status, batch.file_counts.completed, batch.file_counts.failed) == ("completed", 2, 1)
    listed = [f async for f in stock.vector_stores.file_batches.list_files(batch.id, vector_store_id=store.id)]
    assert [file.status for file in listed].count("completed") == 2
    failed = [f async for f in stock.vector_stores.files.list(store.id, filter="failed")]
    assert [file.last_error and file.last_error.code for file in failed] == ["unsupported_file"]
    with pytest.raises(openai.BadRequestError, match="Cannot cancel file batch with status 'completed'"):
        await stock.vector_stores.file_batches.cancel(batch.id, vector_store_id=store.id)


async def test_attributes_are_changed_and_files_taken_out_or_deleted(stock: AsyncOpenAI, database: Database) -> None:
    store = await stock.vector_stores.create(expires_after={"anchor": "last_active_at", "days": 2})
    assert store.expires_at == (store.last_active_at or 0) + 2 * 86_400
    one = await stock.vector_stores.files.upload_and_poll(vector_store_id=store.id, file=named("1", "one"))
    two = await stock.vector_stores.files.upload_and_poll(vector_store_id=store.id, file=named("2", "two"))
    changed = await stock.vector_stores.files.update(one.id, vector_store_id=store.id, attributes={"a": 1})
    assert (changed.attributes, changed.status) == ({"a": 1}, "completed")
    assert [p.text async for p in stock.vector_stores.files.content(one.id, vector_store_id=store.id)] == ["one"]
    gone = await stock.vector_stores.files.delete(one.id, vector_store_id=store.id)
    assert (gone.deleted, gone.object) == (True, "vector_store.file.deleted")
    await stock.files.delete(two.id)
    assert (await stock.vector_stores.retrieve(store.id)).file_counts.total == 0
    assert await database.read("select 1 from chunks") == []
    assert await database.read("select 1 from chunks_words where chunks_words match 'one OR two'") == []
    renamed = await stock.vector_stores.update(store.id, name="Other", expires_after=None)
    assert (renamed.name, renamed.expires_at) == ("Other", None)
    assert (await stock.vector_stores.delete(store.id)).object == "vector_store.deleted"
    with pytest.raises(openai.NotFoundError, match=f"No vector store found with id '{store.id}'"):
        await stock.vector_stores.retrieve(store.id)


async def test_a_store_that_nobody_used_for_its_days_expires(stock: AsyncOpenAI, database: Database) -> None:
    store = await stock.vector_stores.create(expires_after={"anchor": "last_active_at", "days": 1})
    await stock.vector_stores.files.upload_and_poll(vector_store_id=store.id, file=named("1", "one"))
    await database.write(objects.save, "vector_stores", {"id": store.id, "expires_at": 1})
    await housekeeping.round_once(database)
    assert (await stock.vector_stores.retrieve(store.id)).status == "expired"
    assert await database.read("select 1 from chunks") == []
    with pytest.raises(openai.BadRequestError, match="has expired"):
        [r async for r in stock.vector_stores.search(store.id, query="one")]


async def test_attachments_and_tool_resources_make_stores_that_are_filled(stock: AsyncOpenAI) -> None:
    file = await stock.files.create(file=named("a.txt", "apples"), purpose="assistants")
    assistant = await stock.beta.assistants.create(
        model="default",
        tools=[{"type": "file_search"}],
        tool_resources={"file_search": {"vector_stores": [{"file_ids": [file.id], "metadata": {"a": "1"}}]}},
    )
    thread = await stock.beta.threads.create()
    attachments: Any = [{"file_id": file.id, "tools": [{"type": "file_search"}, {"type": "code_interpreter"}]}]
    message = await stock.beta.threads.messages.create(thread.id, role="user", content="hi", attachments=attachments)
    assert message.attachments is not None
    assert message.attachments[0].file_id == file.id
    thread = await stock.beta.threads.retrieve(thread.id)
    resources: Any = thread.tool_resources
    assert resources.code_interpreter.file_ids == [file.id]
    searched: Any = assistant.tool_resources
    for store_id in (*resources.file_search.vector_store_ids, *searched.file_search.vector_store_ids):
        await indexed(stock, store_id)
        assert [r.filename async for r in stock.vector_stores.search(store_id, query="apples")] == ["a.txt"]


async def test_stores_that_are_made_with_a_thread_go_a_week_after_their_last_use(stock: AsyncOpenAI) -> None:
    assistant = await stock.beta.assistants.create(model="default")
    resources: Any = {"file_search": {"vector_stores": [{}]}}
    thread = await stock.beta.threads.create(tool_resources=resources)
    changed = await stock.beta.threads.update((await stock.beta.threads.create()).id, tool_resources=resources)
    run = await stock.beta.threads.create_and_run(assistant_id=assistant.id, thread={"tool_resources": resources})
    for made in (thread, changed, await stock.beta.threads.retrieve(run.thread_id)):
        held: Any = made.tool_resources
        store = await stock.vector_stores.retrieve(held.file_search.vector_store_ids[0])
        assert store.expires_after is not None
        assert (store.expires_after.days, store.expires_at) == (7, (store.last_active_at or 0) + 7 * 86_400)
    kept: Any = (await stock.beta.assistants.update(assistant.id, tool_resources=resources)).tool_resources
    assert (await stock.vector_stores.retrieve(kept.file_search.vector_store_ids[0])).expires_after is None


async def test_the_content_of_a_file_is_what_was_read_of_it(stock: AsyncOpenAI) -> None:
    store = await stock.vector_stores.create()
    for name, data in (("a.html", documents.html()), ("a.pdf", documents.pdf())):
        file = await stock.vector_stores.files.upload_and_poll(
            vector_store_id=store.id, file=(name, data), poll_interval_ms=10
        )
        said = [part.text or "" async for part in stock.vector_stores.files.content(file.id, vector_store_id=store.id)]
        assert documents.SAID in said[0]
        assert "hidden" not in said[0]
        assert "%PDF" not in said[0]
    unread = await stock.vector_stores.files.upload_and_poll(
        vector_store_id=store.id, file=("a.bin", bytes(range(256))), poll_interval_ms=10
    )
    with pytest.raises(openai.BadRequestError, match="no plain text"):
        await stock.vector_stores.files.content(unread.id, vector_store_id=store.id)


async def test_what_a_store_cannot_be_is_refused(tcp: httpx.AsyncClient) -> None:
    store = (await tcp.post("/vector_stores", json={})).json()["id"]
    for path, body, sentence in (
        ("/vector_stores", {"file_ids": ["file-x"]}, "No file found with id 'file-x'."),
        (f"/vector_stores/{store}/files", {"file_id": "file-x"}, "No such File object: file-x"),
        (f"/vector_stores/{store}/search", {}, "Missing required parameter: 'query'."),
        (f"/vector_stores/{store}/file_batches/vsfb_x/cancel", {}, "No file batch found with id 'vsfb_x'."),
        ("/vector_stores/none/search", {"query": "a"}, "Invalid 'vector_store_id': 'none'."),
    ):
        answer = await tcp.post(path, json=body)
        assert answer.json()["error"]["message"].startswith(sentence), answer.text


@given(
    text=st.text(st.sampled_from("ab. \n漢"), min_size=1, max_size=6000),
    size=st.integers(100, 300),
    overlap=st.integers(0, 50),
)
def test_pieces_cover_the_text_and_none_is_too_long(text: str, size: int, overlap: int) -> None:
    sizes = ChunkSizes(max_chunk_size_tokens=size, chunk_overlap_tokens=overlap)
    at = 0
    for piece in indexing.cut(text, sizes):
        assert len(piece) <= size * indexing.CHARACTERS
        found = text.find(piece, max(0, at - overlap * indexing.CHARACTERS - len(piece)))
        assert not text[at:found].strip()
        at = found + len(piece)
    assert not text[at:].strip()


async def test_indexing_continues_after_a_restart(database: Database, service: Any, stock: AsyncOpenAI) -> None:
    await service._indexer.stop()
    file = await stock.files.create(file=named("a.txt", "apples"), purpose="assistants")
    store = await stock.vector_stores.create(file_ids=[file.id])
    assert (store.status, store.file_counts.in_progress) == ("in_progress", 1)
    service._indexer.start()
    await indexed(stock, store.id)
    assert [r.filename async for r in stock.vector_stores.search(store.id, query="apples")] == ["a.txt"]
