"""The calls of functions in the tables: known again after a crash, fenced, and not mistaken for one another."""

import time
from dataclasses import replace

import pytest

from bot.retention import CALL_SECONDS, Forgetting
from storage import calls, turns
from storage.calls import Call
from storage.records import TurnRow
from storage.schema import TELLING_CALL
from storage.sqlite import SQLiteDatabase
from tests.storage.claims import opened


def call(turn: int, call_id: str = "call_1", **more: object) -> Call:
    made = Call("run_1", call_id, turn, "rain", '{"city": "Ulm"}', 1.0, "allowed", "policy", started_at=1.0)
    return replace(made, **more)  # type: ignore[arg-type]


async def test_a_call_is_recorded_with_its_outcome(db: SQLiteDatabase) -> None:
    turn = (await opened(db, "web:1")).turn.id
    asked = [call(turn), call(turn, "call_2")]
    assert await db.write(calls.begin, 1, asked) == [None, None]
    ended = replace(asked[0], output="0.5", done_at=2.0)
    await db.write(calls.end, 1, ended)
    assert await db.write(calls.begin, 1, [replace(each, started_at=9.0) for each in asked]) == [ended, asked[1]]


async def test_a_model_that_uses_one_id_for_all_its_calls_is_given_each_its_own_output(db: SQLiteDatabase) -> None:
    turn = (await opened(db, "web:1")).turn.id
    first = call(turn)
    await db.write(calls.begin, 1, [first])
    await db.write(calls.end, 1, replace(first, output="0.5"))
    other = replace(first, arguments='{"city": "Bonn"}')
    assert await db.write(calls.begin, 1, [other]) == [None]
    assert await db.write(calls.begin, 1, [other]) == [other]


async def test_who_was_superseded_begins_and_ends_no_call(db: SQLiteDatabase) -> None:
    turn = (await opened(db, "web:1")).turn
    await db.write(turns.open_next, turn.conversation, 2.0)
    with pytest.raises(turns.SupersededError):
        await db.write(calls.begin, 1, [call(turn.id)])
    with pytest.raises(turns.SupersededError):
        await db.write(calls.end, 1, call(turn.id))
    assert await db.read("select * from calls") == []


async def test_the_refused_are_told_once_each(db: SQLiteDatabase) -> None:
    turn = (await opened(db, "web:1")).turn.id
    refused = [call(turn, f"call_{n}", function=name, verdict="refused") for n, name in enumerate(("b", "a", "b"))]
    await db.write(calls.begin, 1, [*refused, call(turn, "call_9")])
    assert await calls.refused(db, turn) == ["a", "b"]


async def closed(db: SQLiteDatabase, turn: TurnRow) -> None:
    await db.write(turns.close_turn, turn, turns.Ending("answered"), 3.0)


async def test_what_was_said_in_calls_is_forgotten_when_their_turn_has_ended_and_not_before(db: SQLiteDatabase) -> None:
    open_, ended = (await opened(db, "web:1")).turn, (await opened(db, "web:2", "web:b")).turn
    for turn in (open_, ended):
        made = call(turn.id, run_id=f"run_{turn.id}", asked_at=time.time())
        await db.write(calls.begin, 1, [made, replace(made, call_id="call_2", arguments="", verdict="refused")])
        await db.write(calls.end, 1, replace(made, output="0.5", done_at=2.0))
    await closed(db, ended)
    await Forgetting(db).round()
    rows = await db.read("select turn, call_id, function, arguments, output, verdict from calls order by turn, call_id")
    said = [(row["turn"], row["arguments"], row["output"]) for row in rows]
    assert said == [
        (open_.id, '{"city": "Ulm"}', "0.5"),
        (open_.id, "", None),
        (ended.id, "", None),
        (ended.id, "", None),
    ]
    assert [row["verdict"] for row in rows] == ["allowed", "refused"] * 2
    assert await calls.refused(db, ended.id) == ["rain"]
    assert await calls.to_blank(db, 10) == []


async def test_calls_are_deleted_when_they_are_old_and_their_turn_has_ended(db: SQLiteDatabase) -> None:
    open_, ended = (await opened(db, "web:1")).turn, (await opened(db, "web:2", "web:b")).turn
    for number, (turn, age) in enumerate(
        [(open_, CALL_SECONDS + 60), (ended, CALL_SECONDS + 60), (ended, CALL_SECONDS - 3_600)]
    ):
        made = call(turn.id, run_id=f"run_{number}", asked_at=time.time() - age)
        await db.write(calls.begin, 1, [made])
    await closed(db, ended)
    await Forgetting(db).round()
    assert [row["run_id"] for row in await db.read("select run_id from calls order by run_id")] == ["run_0", "run_2"]


async def test_retention_does_not_read_calls_it_already_forgot(db: SQLiteDatabase) -> None:
    sql = f"explain query plan select distinct c.turn from calls c where {TELLING_CALL}"  # noqa: S608 - ours
    assert "calls_that_tell" in str(await db.read(sql))
