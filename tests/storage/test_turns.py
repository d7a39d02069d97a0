"""The life of a turn in the tables, on a real SQLite file: one answer a question, in order, whatever comes twice."""

import asyncio
import contextlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest

from storage import claims, conversations, deleted, turns
from storage.records import IncomingRow
from storage.sqlite import SQLiteDatabase
from tests.storage.claims import claim, claimed, opened

ANSWERED = turns.Ending("answered")


def events(messages: Sequence[IncomingRow]) -> list[str]:
    return [message.event for message in messages]


async def close(
    db: SQLiteDatabase, turn: turns.Opened, ending: turns.Ending = ANSWERED, *, one: bool = False
) -> turns.Opened | None:
    return await db.write(turns.close_turn, turn.turn, ending, 9.0, one=one)


async def test_the_same_event_is_claimed_once_however_often_it_is_delivered(db: SQLiteDatabase) -> None:
    results = await asyncio.gather(*(db.write(claims.claim_incoming, claim("web:1")) for _ in range(20)))
    assert sum(result is not None for result in results) == 1
    assert len(await db.read("select * from incoming")) == 1
    assert len(await db.read("select * from turns")) == 1


async def test_a_claim_opens_its_turn_where_nothing_else_is_under_way(db: SQLiteDatabase) -> None:
    first = await claimed(db, "web:1")
    assert first.opened is not None
    assert events(first.opened.incoming) == ["web:1"]
    assert (first.opened.turn.attempts, first.opened.suspect, first.behind) == (1, False, None)
    second = await claimed(db, "web:2")
    assert (second.opened, second.behind, second.message.noted) == (None, first.opened.turn.id, 1)


async def test_waiting_messages_become_one_turn_in_the_order_they_were_sent(db: SQLiteDatabase) -> None:
    first = await opened(db, "web:1")
    for event in ("web:4", "web:2", "web:3"):
        await claimed(db, event)
    following = await close(db, first)
    assert following is not None
    assert events(following.incoming) == ["web:2", "web:3", "web:4"]
    assert (following.turn.attempts, following.suspect) == (1, False)
    assert await close(db, following) is None


async def test_with_queue_every_message_gets_its_own_turn(db: SQLiteDatabase) -> None:
    turn: turns.Opened | None = await opened(db, "web:1")
    for event in ("web:3", "web:2"):
        await claimed(db, event)
    seen = []
    while turn is not None:
        seen.append(events(turn.incoming))
        turn = await close(db, turn, one=True)
    assert seen == [["web:1"], ["web:2"], ["web:3"]]


async def test_a_turn_left_open_is_taken_over_and_its_former_worker_is_fenced_off(db: SQLiteDatabase) -> None:
    first = await opened(db, "web:1")
    second = await db.write(turns.open_next, first.conversation.id, 3.0)
    assert second is not None
    assert (second.turn.id, second.turn.attempts, second.suspect) == (first.turn.id, 2, True)
    assert events(second.incoming) == ["web:1"]
    for late in (
        db.write(turns.close_turn, first.turn, ANSWERED, 4.0),
        db.write(turns.record_run, first.turn.id, first.turn.attempts, "tour", "run_1", stays=True),
        db.write(turns.record_failure, first.turn.id, first.turn.attempts, "late"),
        db.write(turns.keep_part, first.turn.id, first.turn.attempts, 1, "ref", "final"),
    ):
        with pytest.raises(turns.SupersededError):
            await late
    assert await close(db, second) is None
    assert await db.write(turns.open_next, first.conversation.id, 5.0) is None


async def test_questions_and_answers_are_recognised_as_ours_and_other_messages_are_not(db: SQLiteDatabase) -> None:
    turn = (await opened(db, "web:1")).turn
    await db.write(turns.keep_part, turn.id, turn.attempts, 1, "web:answer", "final")
    assert await claims.of_ours(db, ["web:1", "web:answer", "web:2"]) == {"web:1", "web:answer"}


async def test_words_are_blanked_only_where_the_thread_has_them(db: SQLiteDatabase) -> None:
    for event, run_id in (("web:1", "run_1"), ("web:2", None)):
        turn = await opened(db, event)
        if run_id:
            await db.write(turns.record_run, turn.turn.id, turn.turn.attempts, "tour", run_id, stays=True)
        await close(db, turn)
    bodies = {row["event"]: row["body"] for row in await db.read("select event, body from incoming")}
    assert bodies == {"web:1": None, "web:2": "web:2"}


@pytest.mark.parametrize(("text", "says"), [("new words", ["new words"]), (None, [])])
async def test_an_edit_or_deletion_counts_while_the_message_waits(
    db: SQLiteDatabase, text: str | None, says: list[str]
) -> None:
    """Edits take effect until the turn begins. Later ones change nothing."""
    first = await opened(db, "web:1")
    await claimed(db, "web:2")
    assert await db.write(claims.revise_incoming, "web:2", "web:2") == "same"
    assert await db.write(claims.revise_incoming, "web:2", text) == "changed"
    assert await db.write(claims.revise_incoming, "web:1", text) == "begun"
    assert await db.write(claims.revise_incoming, "web:9", text) == "unknown"
    following = await close(db, first)
    assert [message.body for message in following.incoming if following] == says if following else not says
    assert await db.write(claims.claim_incoming, claim("web:2")) is None


async def test_a_file_removed_by_an_edit_is_not_read(db: SQLiteDatabase) -> None:
    first = await opened(db, "web:1")
    await claimed(db, "web:2", attachments='["a", "b"]')
    assert await db.write(claims.revise_incoming, "web:2", "web:2") == "same"
    assert await db.write(claims.revise_incoming, "web:2", "web:2", '["a", "b"]') == "same"
    assert await db.write(claims.revise_incoming, "web:2", "web:2", '["a"]') == "changed"
    assert await db.write(claims.revise_incoming, "web:2", "no files") == "changed"
    waiting = await db.read("select body, attachments from incoming where event = 'web:2'")
    assert waiting == [{"body": "no files", "attachments": '["a"]'}]
    assert await db.write(claims.revise_incoming, "web:2", "no files", "[]") == "changed"
    following = await close(db, first)
    assert following is not None
    assert [message.attachments for message in following.incoming] == [None]


async def test_a_deleted_message_that_is_delivered_again_stays_deleted(db: SQLiteDatabase) -> None:
    first = await opened(db, "web:1")
    await claimed(db, "web:2", attachments='["a"]')
    await db.write(claims.revise_incoming, "web:2", None)
    assert await db.read("select attachments from incoming where event = 'web:2'") == [{"attachments": None}]
    assert await db.write(claims.claim_incoming, claim("web:2")) is None
    assert await close(db, first) is None
    assert await db.claim() == []


async def test_a_command_is_done_once_however_often_it_is_delivered(db: SQLiteDatabase) -> None:
    turn = await opened(db, "web:1")
    assert await db.write(claims.once, "cmd:1", "ada", 2.0, turns.ask_to_stop, turn.turn.id, "ada")
    with pytest.raises(claims.AlreadyDoneError):
        await db.write(claims.once, "cmd:1", "ada", 2.0, turns.ask_to_stop, turn.turn.id, "grace")
    assert (await db.read("select stopped_by from turns"))[0]["stopped_by"] == "ada"


async def test_a_stop_reaches_the_process_that_records_the_run_or_takes_over(db: SQLiteDatabase) -> None:
    turn = await opened(db, "web:1")
    await claimed(db, "web:2")
    assert await db.write(turns.ask_to_stop, turn.turn.id, "ada")
    row = turn.turn
    assert await db.write(turns.record_run, row.id, row.attempts, "tour", "run_1", stays=True) == "ada"
    again = await db.write(turns.open_next, turn.conversation.id, 3.0)
    assert again is not None
    assert again.turn.stopped_by == "ada"
    following = await close(db, again, turns.Ending("stopped", "Stopped."))
    assert following is not None
    assert following.turn.stopped_by is None
    assert not await db.write(turns.ask_to_stop, turn.turn.id, "ada"), "what has ended cannot be stopped"
    assert events(following.incoming) == ["web:2"]


async def test_a_question_never_asked_is_asked_with_the_next_message(db: SQLiteDatabase) -> None:
    first = await opened(db, "web:1")
    await claimed(db, "web:2")
    unasked = turns.Ending("stopped", "Interrupted.", unasked=True)
    following = await close(db, first, unasked)
    assert following is not None
    assert events(following.incoming) == ["web:1", "web:2"]
    assert [message.body for message in following.incoming] == ["web:1", "web:2"]


async def test_an_answer_is_regenerated_only_while_none_is_in_progress(db: SQLiteDatabase) -> None:
    turn = await opened(db, "web:1")
    here = turn.conversation.id
    assert await db.write(turns.regenerate, here, "ada", 2.0) == "busy"
    await db.write(turns.record_run, turn.turn.id, 1, "tour", "run_1", stays=True)
    await close(db, turn)
    anew = await db.write(turns.regenerate, here, "ada", 2.0)
    assert isinstance(anew, turns.Opened)
    assert (anew.turn.redoes, anew.turn.cause, anew.incoming, anew.suspect) == (turn.turn.id, "regenerate", (), False)
    assert anew.turn.tag != turn.turn.tag
    assert await db.write(turns.regenerate, here, "ada", 2.0) == "busy"


async def test_regenerating_asks_a_question_that_never_reached_its_thread(db: SQLiteDatabase) -> None:
    turn = await opened(db, "web:1")
    await close(db, turn, turns.Ending("failed", "sorry"))
    anew = await db.write(turns.regenerate, turn.conversation.id, "ada", 2.0)
    assert isinstance(anew, turns.Opened)
    assert [message.body for message in anew.incoming] == ["web:1"]


async def test_without_a_question_nothing_is_regenerated(db: SQLiteDatabase) -> None:
    place = {"key": "web:a", "platform": "web", "workspace": "", "channel": "a", "thread": None}
    await db.write(conversations.choose_here, place, "tour", 1.0)
    here = await conversations.by_key(db, "web:a")
    assert here is not None
    assert await db.write(turns.regenerate, here.id, "ada", 2.0) == "nothing"


async def test_the_watermark_only_rises_and_stays_below_a_gap(
    db: SQLiteDatabase,
) -> None:
    await claimed(db, "web:1", heard="web:1")
    await claimed(db, "web:7", key="web:b")
    assert await conversations.heard_until(db, "web") == "web:1"
    await claimed(db, "web:5", heard="web:5")
    await db.write(conversations.note_heard, "web", "web:3")
    assert await conversations.heard_until(db, "web") == "web:5"
    assert await conversations.heard_until(db, "slack") is None


async def test_after_starting_over_only_the_new_conversation_is_looked_at(db: SQLiteDatabase) -> None:
    await claimed(db, "web:1")
    await db.write(conversations.set_aside, "web:a")
    assert [c.key for c in await conversations.lately(db, "web", 0.0, 10)] == ["web:a"]
    aside = await conversations.set_aside_from(db, "web:a")
    assert aside is not None
    assert (aside.key, aside.engaged) == ("web:a~1", 0)


async def test_where_a_conversation_began_is_known_although_its_first_turn_gave_its_messages_away(
    db: SQLiteDatabase,
) -> None:
    """What people said there before they called us is told from what they said after by that alone."""
    asked = await opened(db, "web:2")
    await close(db, asked, turns.Ending("stopped"))
    again = await db.write(turns.regenerate, asked.conversation.id, "web", 2.0)
    assert isinstance(again, turns.Opened)
    await close(db, again)
    await opened(db, "web:3")
    assert await conversations.begun_at(db, "web:a") == "web:2"
    # One that was said earlier came late, and waits.
    await claimed(db, "web:1")
    assert await conversations.begun_at(db, "web:a") == "web:1"
    assert await conversations.begun_at(db, "web:b") is None


async def test_bots_that_answer_each_other_are_heard_so_often_and_no_more_until_a_person_speaks(
    db: SQLiteDatabase,
) -> None:
    """Bots loop with bots."""
    for event in ("web:1", "web:2"):
        await claimed(db, event, bots=2)
    with pytest.raises(claims.BotsCappedError):
        await claimed(db, "web:3", bots=2)
    assert len(await db.read("select * from incoming")) == 2
    await claimed(db, "web:4")
    await claimed(db, "web:5", bots=2)


async def test_the_conversation_that_a_command_without_a_thread_means(db: SQLiteDatabase) -> None:
    place = {"key": "", "platform": "web", "workspace": "", "channel": "a", "thread": None}
    mine = await opened(db, "web:1", "web:mine", author="ada")
    await opened(db, "web:2", "web:yours", author="grace")
    await opened(db, "web:3", "web:elsewhere", author="ada", channel="b")
    assert await conversations.answering(db, place, "ada") == mine.conversation
    assert await conversations.answering(db, place, "nobody") is None
    await close(db, mine)
    found = await conversations.answered(db, place, "ada", 50)
    assert found is not None
    assert found.key == "web:mine"
    assert await conversations.answered(db, place, "nobody", 50) is None


async def test_a_conversation_knows_whether_several_people_speak_in_it(db: SQLiteDatabase) -> None:
    """Context mixed between people. Kept as they come: asking all messages costs more with each."""
    said = [("web:a", "ada"), ("web:a", "ada"), ("web:a", "bob"), ("web:a", "ada"), ("web:b", "bob")]
    several = [
        (await claimed(db, f"web:{n}", key, author=author)).conversation.several for n, (key, author) in enumerate(said)
    ]
    assert several == [0, 0, 1, 1, 0]


async def test_an_older_file_learns_who_spoke(tmp_path: Path) -> None:
    path = tmp_path / "older.db"
    db = SQLiteDatabase.open(path)
    for n, (key, author) in enumerate([("web:a", "ada"), ("web:a", "bob"), ("web:b", "bob")]):
        await claimed(db, f"web:{n}", key, author=author)
    await db.close()
    with contextlib.closing(sqlite3.connect(path)) as conn:
        conn.execute("delete from _sqlite_migrations where name = 'm010_speakers'")
        conn.execute("alter table conversations drop column speaker")
        conn.execute("alter table conversations drop column several")
        conn.commit()
    db = SQLiteDatabase.open(path)
    rows = await db.read("select key, speaker, several from conversations order by key")
    assert [tuple(row.values()) for row in rows] == [("web:a", "ada", 1), ("web:b", "bob", 0)]
    await db.close()


async def test_a_busy_conversation_or_one_with_a_new_thread_is_not_deleted(
    db: SQLiteDatabase,
) -> None:
    """Otherwise a message sent meanwhile would be lost, and a thread created meanwhile would stay on the server."""
    first = await opened(db, "web:1")
    place = first.conversation.id
    assert not await db.write(deleted.delete, place, None)
    await close(db, first)
    await db.write(conversations.keep_thread, place, "thread_new")
    assert not await db.write(deleted.delete, place, None)
    assert await db.write(deleted.delete, place, "thread_new")
    assert await conversations.by_key(db, "web:a") is None
    assert await conversations.latest(db, ["web"], 9) == []
    again = await opened(db, "web:2")
    assert (again.conversation.id, again.conversation.key) == (place + 1, "web:a"), "ids do not come again"
    assert await db.write(claims.claim_incoming, claim("web:1")) is None, "nor is it answered again"
