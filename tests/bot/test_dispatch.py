"""Who drains a conversation, on a real store: one at a time, never forgotten."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from bot import dispatch
from bot.dispatch import Dispatcher
from storage import turns
from storage.database import Database, StorageError
from storage.sqlite import SQLiteDatabase

Take = Callable[[int], Awaitable[bool]]


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[SQLiteDatabase]:
    database = SQLiteDatabase.open(tmp_path / "threadline.db")
    yield database
    await database.close()


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "PAUSE", 0.01)


@contextlib.asynccontextmanager
async def dispatching(db: Database, take: Take) -> AsyncIterator[Dispatcher]:
    dispatcher = Dispatcher(db, take)
    task = asyncio.create_task(dispatcher.run())
    yield dispatcher
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def say(db: Database, event: str, key: str = "web:a") -> int:
    claim = turns.Claim(event, key, "web", "", "a", None, "title", event, "web", "", "hello", None, 1.0)
    conversation = await db.write(turns.claim_incoming, claim)
    assert conversation is not None
    return conversation


class Worker:
    """Takes turns as the program would, without asking anybody; remembers which, and how many at once."""

    def __init__(self, db: Database, wanted: int) -> None:
        self.done: list[int] = []
        self.all_done = asyncio.Event()
        self._db = db
        self._wanted = wanted
        self._busy: set[int] = set()

    async def take(self, conversation: int) -> bool:
        assert conversation not in self._busy, "two drainers in one conversation"
        self._busy.add(conversation)
        turn = await self._db.write(turns.open_next, conversation, 1.0)
        if turn is not None:
            await self._db.write(turns.close_turn, turn.id, turn.attempts, turns.Ending("answered"), 2.0)
            self.done += [row.id for row in await turns.incoming_of(self._db, turn.id)]
        self._busy.discard(conversation)
        if len(self.done) == self._wanted:
            self.all_done.set()
        return turn is not None


async def test_what_was_left_open_is_taken_up_at_the_start(db: SQLiteDatabase) -> None:
    await say(db, "web:1")
    await say(db, "web:2", "web:b")
    worker = Worker(db, 2)
    async with dispatching(db, worker.take), asyncio.timeout(20):
        await worker.all_done.wait()


async def test_every_message_is_taken_whenever_it_comes(db: SQLiteDatabase) -> None:
    worker = Worker(db, 60)
    async with dispatching(db, worker.take) as dispatcher, asyncio.timeout(60):

        async def talk(key: str) -> None:
            for n in range(20):
                dispatcher.wake(await say(db, f"{key}-{n:02}", key))

        await asyncio.gather(*(talk(f"web:{name}") for name in "abc"))
        await worker.all_done.wait()
    assert len(set(worker.done)) == 60


async def test_a_turn_that_raises_does_not_silence_its_conversation(db: SQLiteDatabase) -> None:
    worker = Worker(db, 1)
    faults = [RuntimeError("once"), StorageError("twice")]

    async def take(conversation: int) -> bool:
        if faults:
            raise faults.pop()
        return await worker.take(conversation)

    async with dispatching(db, take) as dispatcher, asyncio.timeout(20):
        dispatcher.wake(await say(db, "web:1"))
        await worker.all_done.wait()


async def test_a_look_that_fails_is_made_again(db: SQLiteDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = Worker(db, 1)
    claim, faults = db.claim, [StorageError("the disk is away")]

    async def failing(conversation: int | None = None) -> list[int]:
        if faults:
            raise faults.pop()
        return await claim(conversation)

    monkeypatch.setattr(db, "claim", failing)
    conversation = await say(db, "web:1")
    async with dispatching(db, worker.take) as dispatcher, asyncio.timeout(20):
        dispatcher.wake(conversation)
        await worker.all_done.wait()
