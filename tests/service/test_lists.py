"""Lists are cut into pages that join without a gap, whichever way one walks."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assistants.contract import Thread
from assistants.service import store
from storage import objects
from storage.database import Database
from storage.objects import Order, UnknownCursorError, Window
from storage.sqlite import SQLiteDatabase

COUNT = 30
IDS = [f"thread_{n:02}" for n in range(COUNT)]

CURSORS = st.none() | st.sampled_from(IDS)


@pytest.fixture
async def threads(tmp_path: Path) -> Any:
    database = SQLiteDatabase.open(tmp_path / "lists.db")
    for id_ in IDS:
        # All in the same second: only the order of creation tells them apart.
        await database.write(store.add, Thread(id=id_, created_at=1))
    yield database
    await database.close()


same_file = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@same_file
@given(order=st.sampled_from(["asc", "desc"]), limit=st.integers(1, 100), after=CURSORS, before=CURSORS)
async def test_a_page_is_what_lies_between_its_cursors(
    threads: Database, order: Order, limit: int, after: str | None, before: str | None
) -> None:
    ordered = IDS if order == "asc" else IDS[::-1]
    first = ordered.index(after) + 1 if after else 0
    last = ordered.index(before) if before else COUNT
    between = ordered[first : max(first, last)]
    page = await objects.page(threads, "threads", Window(limit, order, after, before))
    nearest = between[-limit:] if before and not after else between[:limit]
    assert [row["id"] for row in page.rows] == nearest
    assert page.more == (len(between) > limit)


@same_file
@given(order=st.sampled_from(["asc", "desc"]), limit=st.integers(1, 40))
async def test_pages_join_forth_and_back(threads: Database, order: Order, limit: int) -> None:
    forth: list[str] = []
    page = await objects.page(threads, "threads", Window(limit, order))
    while True:
        forth += [row["id"] for row in page.rows]
        if not page.more:
            break
        page = await objects.page(threads, "threads", Window(limit, order, after=forth[-1]))
    assert forth == (IDS if order == "asc" else IDS[::-1])
    back = [forth[-1]]
    while True:
        page = await objects.page(threads, "threads", Window(limit, order, before=back[0]))
        back = [row["id"] for row in page.rows] + back
        if not page.more:
            break
    assert back == forth


async def test_a_cursor_of_another_list_is_told(threads: Database) -> None:
    with pytest.raises(UnknownCursorError, match="thread_elsewhere"):
        await objects.page(threads, "threads", Window(after="thread_elsewhere"))
