"""Who drains a conversation, on a real store: one at a time, never forgotten."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Collection, Sequence
from pathlib import Path
from typing import Any

import pytest

from bot import dispatch
from bot.dispatch import Dispatcher
from storage import turns
from storage.database import Database, StorageError
from storage.sqlite import SQLiteDatabase
from storage.turns import Opened
from tests.storage.claims import claimed


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[SQLiteDatabase]:
    database = SQLiteDatabase.open(tmp_path / "threadline.db")
    yield database
    await database.close()


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "PAUSE", 0.01)


class Worker:
    """Ends turns as the program would, without asking anybody; remembers the messages of each, and what was suspect.

    It raises `faults` first; while `held` is clear it does not end any turn.
    """

    def __init__(self, db: Database, wanted: int, faults: Sequence[Exception] = ()) -> None:
        self.done: list[str] = []
        self.suspect: list[str] = []
        self.all_done = asyncio.Event()
        self.held = asyncio.Event()
        self.held.set()
        self.began = asyncio.Event()
        self._db = db
        self._wanted = wanted
        self._faults = list(faults)
        self._busy: set[int] = set()

    async def open(self, conversation: int) -> Opened | None:
        return await self._db.write(turns.open_next, conversation, 1.0)

    async def work(self, opened: Opened) -> Opened | None:
        conversation = opened.conversation.id
        assert conversation not in self._busy, "two drainers in one conversation"
        self._busy.add(conversation)
        self.began.set()
        try:
            if self._faults:
                raise self._faults.pop()
            await self.held.wait()
            following = await self._db.write(turns.close_turn, opened.turn, turns.Ending("answered"), 2.0)
        finally:
            self._busy.discard(conversation)
        events = [message.event for message in opened.incoming]
        self.done += events
        self.suspect += events if opened.suspect else []
        if len(self.done) == self._wanted:
            self.all_done.set()
        return following


@contextlib.asynccontextmanager
async def dispatching(db: Database, worker: Worker) -> AsyncIterator[Dispatcher]:
    dispatcher = Dispatcher(db, worker)
    task = asyncio.create_task(dispatcher.run())
    yield dispatcher
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def say(db: Database, dispatcher: Dispatcher, event: str, key: str = "web:a") -> None:
    found = await claimed(db, event, key)
    dispatcher.wake(found.conversation.id, found.opened)


async def test_open_turns_are_resumed_at_startup_as_suspect(db: SQLiteDatabase) -> None:
    """Otherwise a restart would lose the answer."""
    await claimed(db, "web:1")
    await claimed(db, "web:2", "web:b")
    worker = Worker(db, 2)
    async with dispatching(db, worker), asyncio.timeout(20):
        await worker.all_done.wait()
    assert sorted(worker.suspect) == ["web:1", "web:2"]


async def test_every_message_is_processed_once_and_in_order(db: SQLiteDatabase) -> None:
    worker = Worker(db, 60)
    async with dispatching(db, worker) as dispatcher, asyncio.timeout(60):

        async def talk(key: str) -> None:
            for n in range(20):
                await say(db, dispatcher, f"{key}-{n:02}", key)

        await asyncio.gather(*(talk(f"web:{name}") for name in "abc"))
        await worker.all_done.wait()
    for name in "abc":
        mine = [event for event in worker.done if event.startswith(f"web:{name}")]
        assert mine == [f"web:{name}-{n:02}" for n in range(20)]
    assert worker.suspect == [], "what nobody has worked on is not suspect"


async def test_a_turn_whose_handover_was_lost_is_found_in_the_database(db: SQLiteDatabase) -> None:
    worker = Worker(db, 1)
    async with dispatching(db, worker) as dispatcher, asyncio.timeout(20):
        found = await claimed(db, "web:1")
        dispatcher.wake(found.conversation.id)
        await worker.all_done.wait()


async def test_a_turn_that_raises_does_not_block_its_conversation(db: SQLiteDatabase) -> None:
    faults = [RuntimeError("once"), StorageError("twice"), turns.SupersededError("thrice")]
    worker = Worker(db, 1, faults)
    async with dispatching(db, worker) as dispatcher, asyncio.timeout(20):
        await say(db, dispatcher, "web:1")
        await worker.all_done.wait()
    assert worker.suspect == ["web:1"]


class FailingOnce(SQLiteDatabase):
    """A store whose first search for work fails."""

    def __init__(self, *opened: Any) -> None:
        super().__init__(*opened)
        self._faults = [StorageError("the disk is away")]

    async def claim(self, conversations: Collection[int] | None = None) -> list[int]:
        if self._faults:
            raise self._faults.pop()
        return await super().claim(conversations)


async def test_a_failed_search_for_work_is_retried(tmp_path: Path) -> None:
    db = FailingOnce.open(tmp_path / "failing.db")
    worker = Worker(db, 1)
    async with dispatching(db, worker) as dispatcher, asyncio.timeout(20):
        await say(db, dispatcher, "web:1")
        await worker.all_done.wait()
    await db.close()


class SlowToRelease(SQLiteDatabase):
    """A store whose release takes a while, as over a network; `releasing` says that one began."""

    def __init__(self, *opened: Any) -> None:
        super().__init__(*opened)
        self.releasing, self.goes_on = asyncio.Event(), asyncio.Event()

    async def release(self, conversation: int) -> None:
        self.releasing.set()
        await self.goes_on.wait()
        await super().release(conversation)


async def test_a_message_that_arrives_while_its_conversation_is_released_is_processed(tmp_path: Path) -> None:
    """The conversation still has an owner then, so a search for work skips it, and no other search follows."""
    db = SlowToRelease.open(tmp_path / "slow.db")
    worker = Worker(db, wanted=2)
    async with dispatching(db, worker) as dispatcher:
        await say(db, dispatcher, "web:1")
        await db.releasing.wait()
        await say(db, dispatcher, "web:2")
        # What is told comes in order: once this is heard, so was the message.
        async with db.listen(dispatch.WORK) as told:
            db.notify(dispatch.WORK, "0")
            await anext(aiter(told))
        db.goes_on.set()
        await worker.all_done.wait()
    assert worker.done == ["web:1", "web:2"]
    await db.close()


async def test_shutdown_finishes_the_current_turn_and_starts_no_other(db: SQLiteDatabase) -> None:
    worker = Worker(db, 1)
    worker.held.clear()
    async with dispatching(db, worker) as dispatcher, asyncio.timeout(20):
        await say(db, dispatcher, "web:1")
        await worker.began.wait()
        await say(db, dispatcher, "web:2")
        leaving = asyncio.create_task(dispatcher.leave(20))
        await asyncio.sleep(0)
        worker.held.set()
        await leaving
        await say(db, dispatcher, "web:3", "web:b")
    assert worker.done == ["web:1"]
    rows = await db.read("select event from incoming i left join turns t on t.id = i.turn where t.outcome is null")
    assert [row["event"] for row in rows] == ["web:2", "web:3"]


async def test_shutdown_waits_no_longer_than_the_grace_period(db: SQLiteDatabase) -> None:
    worker = Worker(db, 1)
    worker.held.clear()
    async with dispatching(db, worker) as dispatcher, asyncio.timeout(20):
        await say(db, dispatcher, "web:1")
        await worker.began.wait()
        await dispatcher.leave(0.01)
    assert worker.done == []
