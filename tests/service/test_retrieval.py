"""How well files are found, by words and by words and embeddings fused, on a corpus of our own.

The embeddings are the scripted model's: letters, which know no meaning but forgive spelling. A real model's are another
matter; what holds here is that the two ways of searching are fused for the better.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest
from openai import AsyncOpenAI

from assistants.service import meaning
from assistants.service.app import Service, create_service
from assistants.service.asgi_transport import LocalTransport
from assistants.service.embedding import EndpointEmbedder
from assistants.service.endpoints import Endpoint
from assistants.service.meaning import Meaning
from assistants.service.models import Models
from assistants.service.pieces import ModelError
from assistants.service.scripted import ScriptedModel
from assistants.service.searching import Searcher, Wanted
from storage import chunks
from storage.database import Database, Transaction
from tests.service.corpus import passages, questions
from tests.service.test_vector_stores import named

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

MOST = 5


class Away(EndpointEmbedder):
    """An endpoint that gives embeddings only while it is told to, and not before it is let."""

    there = True

    def __init__(self, endpoint: Endpoint, transport: LocalTransport) -> None:
        super().__init__(endpoint, transport=transport)
        self.slow = asyncio.Event()
        self.slow.set()

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        await self.slow.wait()
        if not self.there:
            raise ModelError("Embeddings are away.", retryable=True)
        return await super().embed(texts)


@pytest.fixture
def embedder(script: ScriptedModel) -> Away:
    return Away(Endpoint("http://model.test/v1", "", "letters"), transport=LocalTransport(script.app))


@pytest.fixture
async def service(database: Database, embedder: Away) -> AsyncIterator[Service]:
    service = create_service(database, Models(), embedder=embedder)
    await service.start()
    yield service
    await service.stop()


def fill(tx: Transaction, texts: dict[str, str]) -> None:
    """The corpus as files that were read already."""
    if not tx.query("select 1 as one from vector_stores"):
        store = {"id": "vs_1", "created_at": 1, "body": "{}", "project": "default", "status": "completed"}
        tx.insert("vector_stores", store)
    for name, text in texts.items():
        columns = {"id": name, "created_at": 1, "body": "{}"}
        tx.insert("files", {**columns, "project": "default", "purpose": "assistants", "filename": name, "bytes": 1})
        entry = {**columns, "vector_store_id": "vs_1", "status": "in_progress", "usage_bytes": 1}
        tx.insert("vector_store_files", entry)
        chunks.put_chunks(tx, "vs_1", name, {0: text})
        chunks.settle(tx, "vs_1", name, {"status": "completed"})


async def hits(searcher: Searcher) -> int:
    """How many questions have their answer among the first five."""
    found = 0
    for question in questions():
        results = await searcher.find(["vs_1"], Wanted([question.text], MOST))
        found += question.answered_by in [result.filename for result in results]
    return found


async def test_fused_search_finds_at_least_what_words_find_and_nine_of_ten(
    database: Database, embedder: Away, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = list(passages().items())
    assert len(texts) >= 500
    for start in range(0, len(texts), 60):
        await database.write(fill, dict(texts[start : start + 60]))
    vectors = Meaning(database, embedder)
    await vectors._fill()
    by_words, fused = await hits(Searcher(database)), await hits(Searcher(database, vectors))
    with capsys.disabled():
        print(f"\nhit@5 of 50 questions on {len(texts)} passages: words {by_words / 50:.2f}, fused {fused / 50:.2f}")  # noqa: T201
    assert fused >= by_words
    assert fused / 50 >= 0.9


async def test_a_misspelt_query_finds_its_file_and_filters_hold(stock: AsyncOpenAI) -> None:
    store = await stock.vector_stores.create()
    for name, kind in (("skarvoya", "isle"), ("skarvholm", "isle"), ("bergen", "town")):
        text = f"The umbrella museum of {name} is open."
        await stock.vector_stores.files.upload_and_poll(
            vector_store_id=store.id, file=named(f"{name}.txt", text), attributes={"kind": kind}
        )
    found = [r async for r in stock.vector_stores.search(store.id, query="skarvooya")]
    assert found[0].filename == "skarvoya.txt"
    assert all(0 < r.score <= 1 for r in found)
    only = {"type": "eq", "key": "kind", "value": "town"}
    towns = stock.vector_stores.search(store.id, query="skarvooya", filters=only)  # type: ignore[arg-type]
    assert [r.filename async for r in towns] == ["bergen.txt"]
    await stock.files.delete(found[0].file_id)
    assert "skarvoya.txt" not in [r.filename async for r in stock.vector_stores.search(store.id, query="skarvooya")]


async def test_without_embeddings_words_find_and_what_is_missing_is_filled_in_later(
    stock: AsyncOpenAI, database: Database, embedder: Away
) -> None:
    embedder.there = False
    store = await stock.vector_stores.create()
    file = await stock.vector_stores.files.upload_and_poll(vector_store_id=store.id, file=named("a.txt", "apples"))
    assert file.status == "completed"
    assert [r.filename async for r in stock.vector_stores.search(store.id, query="apples")] == ["a.txt"]
    assert [r async for r in stock.vector_stores.search(store.id, query="aples")] == []
    embedder.there = True
    vectors = Meaning(database, embedder)
    await vectors._fill()
    assert [r.filename async for r in stock.vector_stores.search(store.id, query="aples")] == ["a.txt"]


async def test_a_file_whose_embeddings_take_long_is_found_by_its_words_until_they_come(
    stock: AsyncOpenAI, embedder: Away, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meaning, "LEARNING", 0)
    embedder.slow.clear()
    store = await stock.vector_stores.create()
    file = await stock.vector_stores.files.upload_and_poll(vector_store_id=store.id, file=named("a.txt", "apples"))
    assert file.status == "completed"
    assert [r.filename async for r in stock.vector_stores.search(store.id, query="apples")] == ["a.txt"]
    embedder.slow.set()
    async with asyncio.timeout(60):
        while not [r async for r in stock.vector_stores.search(store.id, query="aples")]:  # noqa: ASYNC110 - as a client
            await asyncio.sleep(0.01)


async def test_a_piece_that_takes_the_place_of_another_is_found_by_its_own_vector(
    database: Database, embedder: Away
) -> None:
    """SQLite gives the number of the last row again."""
    vectors = Meaning(database, embedder)
    await database.write(fill, {"a.txt": "apples and pears"})
    await vectors._fill()
    searcher = Searcher(database, vectors)
    assert [r.filename for r in await searcher.find(["vs_1"], Wanted(["aplpes"], 5))] == ["a.txt"]
    await database.write(chunks.remove_file, "vs_1", "a.txt")
    await database.write(chunks.remove_chunks, 10, "vs_1", "a.txt")
    await database.write(fill, {"b.txt": "zebras", "c.txt": "apples"})
    await vectors._fill()
    assert (await searcher.find(["vs_1"], Wanted(["zebrsa"], 5)))[0].filename == "b.txt"
    first = chunks.STRETCH + 1
    found = await asyncio.gather(*(vectors.nearest("vs_1", [word], 1) for word in ("zebras", "apples")))
    assert found == [[first], [first + 1]]
