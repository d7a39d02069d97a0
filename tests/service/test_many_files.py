"""Many files put into a vector store by one request are all there at its first commit, or none is."""

import asyncio
import math
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI

from assistants.contract import File
from assistants.service import store
from assistants.service.app import Service
from storage.database import StorageError
from storage.sqlite import SQLiteDatabase

MANY = 450


class Dying(SQLiteDatabase):
    """Commits `left` more writes; then nothing, as if the process had been killed."""

    left: float = math.inf

    def write(self, job: Any, /, *args: Any, **kwargs: Any) -> asyncio.Future[Any]:
        self.left -= 1
        if self.left >= 0:
            return super().write(job, *args, **kwargs)
        killed: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        killed.set_exception(StorageError("Killed."))
        return killed


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Dying]:
    database = Dying.open(tmp_path / "service.db")
    yield database
    database.left = math.inf
    await database.close()


@pytest.fixture
async def files(database: Dying, service: Service) -> Sequence[str]:
    await service._indexer.stop()
    made = [File(id=f"file-{n}", bytes=0, created_at=1, filename="a.txt", purpose="assistants") for n in range(MANY)]
    await database.write(store.add, *made)
    return [file.id for file in made]


async def entries(database: Dying) -> int:
    """How many files the next process would find in vector stores."""
    return int((await database.read("select count(*) as n from vector_store_files"))[0]["n"])


async def test_killed_after_the_first_commit_a_new_store_has_all_of_its_files(
    database: Dying, stock: AsyncOpenAI, files: Sequence[str]
) -> None:
    database.left = 1
    with suppress(openai.APIError):
        await stock.vector_stores.create(file_ids=list(files))
    assert await entries(database) == MANY


async def test_killed_after_the_first_commit_a_batch_has_all_of_its_files(
    database: Dying, stock: AsyncOpenAI, files: Sequence[str]
) -> None:
    vector_store = await stock.vector_stores.create()
    database.left = 1
    with suppress(openai.APIError):
        await stock.vector_stores.file_batches.create(vector_store.id, file_ids=list(files))
    assert await entries(database) == MANY
