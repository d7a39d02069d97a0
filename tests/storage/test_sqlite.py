"""The seam on a real SQLite file: what is durable, what is undone, who may open it."""

import asyncio
import contextlib
import os
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from storage import conversations, turns
from storage.database import StorageError, Transaction
from storage.lock import serving
from storage.sqlite import SQLiteDatabase
from tests.storage.claims import opened


def choose(tx: Transaction, key: str) -> None:
    conversations.choose(tx, "person", key, "tour", "U1", 1.0)


async def chosen(db: SQLiteDatabase) -> set[str]:
    return {row["key"] for row in await db.read("select key from choices")}


async def test_a_job_that_fails_half_way_is_rolled_back_alone(db: SQLiteDatabase) -> None:
    def fails_half_way(tx: Transaction) -> None:
        choose(tx, "half")
        raise ValueError("half-way")

    results = await asyncio.gather(
        db.write(choose, "before"), db.write(fails_half_way), db.write(choose, "after"), return_exceptions=True
    )
    assert isinstance(results[1], ValueError)
    assert await chosen(db) == {"before", "after"}


async def test_a_failed_commit_reaches_every_caller_and_the_writer_continues(tmp_path: Path) -> None:
    path = tmp_path / "full.db"
    db = SQLiteDatabase.open(path)
    pages = (await db.read("pragma page_count"))[0]["page_count"]

    def limit(tx: Transaction, count: int) -> None:
        tx.query(f"pragma max_page_count = {count}")

    def big(tx: Transaction, key: str) -> None:
        conversations.choose(tx, "person", key, "x" * 100_000, "U1", 1.0)

    await db.write(limit, pages)
    async with asyncio.timeout(20):
        results = await asyncio.gather(*(db.write(big, str(n)) for n in range(5)), return_exceptions=True)
    assert all(isinstance(result, StorageError) for result in results)
    await db.write(limit, 1_000_000)
    await db.write(choose, "later")
    assert await chosen(db) == {"later"}
    await db.close()


async def test_a_caller_that_is_cancelled_does_not_stop_the_others(db: SQLiteDatabase) -> None:
    gone = asyncio.ensure_future(db.write(choose, "gone"))
    stays = asyncio.ensure_future(db.write(choose, "stays"))
    await asyncio.sleep(0)
    gone.cancel()
    await stays
    with contextlib.suppress(asyncio.CancelledError):
        await gone
    assert "stays" in await chosen(db)


async def test_what_was_written_is_read_after_the_write_returns(db: SQLiteDatabase) -> None:
    async def write_then_read(n: int) -> bool:
        await db.write(choose, f"k{n}")
        return f"k{n}" in await chosen(db)

    assert all(await asyncio.gather(*(write_then_read(n) for n in range(50))))


async def test_closing_lets_the_jobs_that_wait_finish(tmp_path: Path) -> None:
    db = SQLiteDatabase.open(tmp_path / "a.db")
    waiting = [asyncio.ensure_future(db.write(choose, f"k{n}")) for n in range(200)]
    await asyncio.sleep(0)
    await db.close()
    await asyncio.gather(*waiting)
    with sqlite3.connect(tmp_path / "a.db") as again:
        assert again.execute("select count(*) from choices").fetchone()[0] == 200
    again.close()


async def test_a_write_after_closing_is_refused_rather_than_waiting_for_ever(tmp_path: Path) -> None:
    db = SQLiteDatabase.open(tmp_path / "a.db")
    await db.close()
    with pytest.raises(StorageError):
        await asyncio.wait_for(db.write(choose, "late"), 20)


async def test_a_kill_after_a_write_returned_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "killed.db"
    program = textwrap.dedent(
        """
        import asyncio, sys
        from pathlib import Path
        from storage import conversations
        from storage.sqlite import SQLiteDatabase

        async def main():
            db = SQLiteDatabase.open(Path(sys.argv[1]))
            for n in range(1_000_000):
                await db.write(conversations.choose, "person", str(n), "tour", "U1", 1.0)
                print(n, flush=True)

        asyncio.run(main())
        """
    )
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", program, str(path), stdout=subprocess.PIPE)
    assert child.stdout is not None
    told = [int(await child.stdout.readline()) for _ in range(50)]
    child.kill()
    told += [int(line) for line in (await child.stdout.read()).split()]
    await child.wait()
    db = SQLiteDatabase.open(path)
    assert {str(n) for n in told} <= await chosen(db)
    await db.close()


async def test_a_look_up_sees_earlier_writes_and_cannot_write(db: SQLiteDatabase) -> None:
    for key in ("first", "second"):
        await db.write(choose, key)
        assert await db.look_up("select key from choices where key = :key", key=key) == [{"key": key}]
    with pytest.raises(StorageError, match="readonly"):
        await db.look_up("delete from choices")
    await db.close()
    with pytest.raises(StorageError, match="is shutting down"):
        await db.look_up("select 1 as one")


async def test_a_second_server_on_the_same_file_is_refused_with_a_sentence(db: SQLiteDatabase) -> None:
    with pytest.raises(StorageError, match="already served by another Threadline"):
        SQLiteDatabase.open(db.path)


async def test_a_database_from_the_future_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    await SQLiteDatabase.open(path).close()
    conn = sqlite3.connect(path)
    conn.execute(
        "insert into _sqlite_migrations (migration_set, name, applied_at) values ('threadline', 'm999_later', 'now')"
    )
    conn.commit()
    conn.close()
    with pytest.raises(StorageError, match=r"newer Threadline \(it has m999_later\)"):
        SQLiteDatabase.open(path)


def test_a_file_that_is_no_database_is_refused_with_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    path.write_text("this is no database, whatever its name says" * 100)
    with pytest.raises(StorageError, match="cannot be used"):
        SQLiteDatabase.open(path)


async def test_a_conversation_is_owned_by_one_drainer_until_it_is_released(db: SQLiteDatabase) -> None:
    here = (await opened(db, "web:1")).conversation.id
    claims = await asyncio.gather(*(db.claim([here]) for _ in range(10)))
    assert sorted(map(len, claims)) == [0] * 9 + [1]
    await db.release(here)
    assert await db.claim() == [here]


async def test_a_conversation_without_work_is_not_claimed(db: SQLiteDatabase) -> None:
    turn = await opened(db, "web:1")
    await db.write(turns.close_turn, turn.turn, turns.Ending("failed", "no"), 3.0)
    assert await db.claim() == []


async def test_listeners_hear_what_is_told_after_they_began(db: SQLiteDatabase) -> None:
    db.notify("work", "0")
    async with db.listen("work") as heard:
        db.notify("work", "1")
        db.notify("other", "2")
        db.notify("work", "3")
        assert await anext(heard) == ["1", "3"]
        db.notify("work", "4")
        assert await anext(heard) == ["4"]


async def test_closing_ends_every_listening(tmp_path: Path) -> None:
    db = SQLiteDatabase.open(tmp_path / "a.db")
    async with db.listen("work") as heard:
        await db.close()
        assert [payloads async for payloads in heard] == []


@pytest.mark.parametrize("error", [StopIteration(), asyncio.CancelledError(), SystemExit(3), KeyError("x")])
async def test_whatever_a_job_raises_reaches_only_its_caller(db: SQLiteDatabase, error: BaseException) -> None:
    def fails(tx: Transaction) -> None:
        choose(tx, "fails")
        raise error

    async with asyncio.timeout(20):
        results = await asyncio.gather(
            db.write(choose, "a"), db.write(fails), db.write(choose, "b"), return_exceptions=True
        )
    assert isinstance(results[1], KeyError if isinstance(error, KeyError) else RuntimeError)
    assert await chosen(db) == {"a", "b"}


async def test_a_write_that_fills_the_disk_does_not_fail_other_writes(db: SQLiteDatabase) -> None:
    pages = (await db.read("pragma page_count"))[0]["page_count"]

    def huge(tx: Transaction) -> None:
        conversations.choose(tx, "person", "huge", "x" * 3_000_000, "U1", 1.0)

    await db.write(lambda tx: tx.query(f"pragma max_page_count = {pages + 50}"))
    results = await asyncio.gather(db.write(choose, "a"), db.write(huge), db.write(choose, "b"), return_exceptions=True)
    assert isinstance(results[1], StorageError)
    assert await chosen(db) == {"a", "b"}


async def test_a_link_to_the_file_is_the_file(db: SQLiteDatabase, tmp_path: Path) -> None:
    (tmp_path / "link.db").symlink_to(db.path)
    with pytest.raises(StorageError, match="already served"):
        SQLiteDatabase.open(tmp_path / "link.db")


async def test_commands_learn_who_serves_the_file(db: SQLiteDatabase) -> None:
    db.announce("http://127.0.0.1:8321")
    assert serving(db.path) == {"pid": os.getpid(), "url": "http://127.0.0.1:8321"}
    with pytest.raises(StorageError, match=f"process {os.getpid()}"):
        SQLiteDatabase.open(db.path)
    await db.close()
    assert serving(db.path) is None


def test_a_folder_that_cannot_be_written_is_named_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be written"):
        SQLiteDatabase.open(tmp_path / "file" / "a.db")


async def test_starting_over_keeps_the_old_conversation(db: SQLiteDatabase) -> None:
    first = (await opened(db, "web:1")).conversation.id
    assert await db.write(conversations.set_aside, "web:b") is None
    assert await db.write(conversations.set_aside, "web:a") == "web:a~1"
    fresh = await conversations.by_key(db, "web:a")
    assert fresh is not None
    assert (fresh.engaged, fresh.thread_id, fresh.assistant, fresh.title) == (1, None, None, None)
    second = (await opened(db, "web:2")).conversation.id
    assert first != second
    assert await db.write(conversations.set_aside, "web:a") == "web:a~2"
    assert {c.key for c in await conversations.latest(db, ["web"], 10)} == {"web:a", "web:a~1", "web:a~2"}


async def test_a_conversation_keeps_the_first_thread_it_was_given_until_that_one_is_lost(db: SQLiteDatabase) -> None:
    conversation = (await opened(db, "web:1")).conversation.id
    assert await db.write(conversations.keep_thread, conversation, "thread_1") == "thread_1"
    assert await db.write(conversations.keep_thread, conversation, "thread_2") == "thread_1"
    assert await db.write(conversations.keep_thread, conversation, "thread_3", "thread_1") == "thread_3"


async def test_a_file_that_another_program_has_locked_fails_the_write_and_not_the_writer(db: SQLiteDatabase) -> None:
    other = sqlite3.connect(db.path, isolation_level=None)
    other.execute("begin immediate")
    with pytest.raises(StorageError, match="locked"):
        await asyncio.wait_for(db.write(choose, "refused"), 60)
    other.execute("rollback")
    other.close()
    await db.write(choose, "later")
    assert await chosen(db) == {"later"}


async def test_only_the_owner_can_read_what_people_said(db: SQLiteDatabase) -> None:
    await db.write(choose, "a")
    files = list(db.path.parent.glob("threadline.db*"))
    assert {file.stat().st_mode & 0o077 for file in files} == {0}
