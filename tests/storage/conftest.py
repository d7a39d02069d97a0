"""A store of its own for every test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from storage.sqlite import SQLiteDatabase


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[SQLiteDatabase]:
    database = SQLiteDatabase.open(tmp_path / "threadline.db")
    yield database
    await database.close()
