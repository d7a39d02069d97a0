"""The calls of functions in the tables: known again after a crash, fenced, and not mistaken for one another."""

from dataclasses import replace

import pytest

from storage import calls, turns
from storage.calls import Call
from storage.sqlite import SQLiteDatabase
from tests.storage.claims import opened


def call(turn: int, call_id: str = "call_1", **more: object) -> Call:
    made = Call("run_1", call_id, turn, "rain", '{"city": "Ulm"}', 1.0, "allowed", "policy", started_at=1.0)
    return replace(made, **more)  # type: ignore[arg-type]


async def test_a_call_that_was_begun_is_known_with_what_came_of_it(db: SQLiteDatabase) -> None:
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
