"""Silence has a reason: what became of a message, told by `threadline why`."""

import asyncio
from pathlib import Path

import pytest

from bot.settings import Settings
from bot.stops import NEWER_MESSAGE
from bot.unanswered import Unanswered
from bot.why import why
from storage import claims, conversations, deleted, turns, unanswered
from storage.sqlite import SQLiteDatabase
from tests.bot.conftest import Start, address
from tests.bot.page import Page
from tests.storage.claims import claimed, opened

TEAM_TS = "1712345678.901234"
PLACE = {"platform": "web", "workspace": "local", "channel": "page", "thread": "b"}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, _env_file=None)


@pytest.fixture
def db(settings: Settings) -> SQLiteDatabase:
    return SQLiteDatabase.open(settings.database_path)


async def test_why_gives_the_reason_for_an_ignored_message_by_key_id_or_link(
    db: SQLiteDatabase, settings: Settings
) -> None:
    """Otherwise nobody could find out why a message was not answered."""
    told = {f"slack:T1:C1:{TEAM_TS}": "not addressed to the bot", "discord:42": "written by a bot"}
    await db.write(unanswered.record, told, 1.0)
    link = "https://acme.slack.com/archives/C1/p1712345678901234?thread_ts=1712345600.000100&cid=C1"
    for asked in (f"slack:T1:C1:{TEAM_TS}", TEAM_TS, link):
        assert "not addressed to the bot" in str(await why(settings, asked))
    for asked in ("discord:42", "42", "https://discord.com/channels/1/2/42"):
        assert "written by a bot" in str(await why(settings, asked))
    assert await why(settings, "discord:43") is None
    await db.close()


async def test_why_shows_a_turn_from_beginning_to_end(db: SQLiteDatabase, settings: Settings) -> None:
    turn = await opened(db, "slack:T1:C1:1.000001")
    await claimed(db, "slack:T1:C1:1.000002")
    await claimed(db, "slack:T1:C1:1.000003")
    await db.write(claims.revise_incoming, "slack:T1:C1:1.000003", None)
    assert f"Turn {turn.turn.tag}" in str(await why(settings, "slack:T1:C1:1.000001"))
    assert "in progress" in str(await why(settings, turn.turn.tag))
    assert f"is waiting behind turn {turn.turn.tag}" in str(await why(settings, "slack:T1:C1:1.000002"))
    assert "deleted by its author" in str(await why(settings, "slack:T1:C1:1.000003"))
    row = turn.turn
    await db.write(turns.record_run, row.id, row.attempts, "tour", "run_1", stays=True)
    await db.write(turns.keep_part, row.id, row.attempts, 1, "slack:T1:C1:2.0", "final")
    await db.write(turns.record_failure, row.id, row.attempts, "PlatformError: no room")
    await db.write(turns.close_turn, row, turns.Ending("failed", "Sorry."), 9.0)
    story = str(await why(settings, row.tag))
    for fact in ("failed", "People saw “Sorry.”", "tour", "run_1", "slack:T1:C1:2.0", "PlatformError: no room"):
        assert fact in story
    await db.close()


async def test_why_explains_the_turn_of_an_answer_by_key_id_or_link(db: SQLiteDatabase, settings: Settings) -> None:
    """What people ask about most is an answer they see, and its link is what they can copy."""
    turn = (await opened(db, f"slack:T1:C1:{TEAM_TS}")).turn
    await db.write(turns.keep_part, turn.id, turn.attempts, 1, "slack:T1:C1:1712345700.000200", "final")
    await db.write(turns.keep_part, turn.id, turn.attempts, 2, "discord:7:42", "final")
    link = "https://acme.slack.com/archives/C1/p1712345700000200?thread_ts=1712345678.901234&cid=C1"
    for asked in ("slack:T1:C1:1712345700.000200", "1712345700.000200", link):
        assert f"Turn {turn.tag}" in str(await why(settings, asked))
    for asked in ("discord:7:42", "42", "https://discord.com/channels/1/7/42"):
        assert f"Turn {turn.tag}" in str(await why(settings, asked))
    for asked in ("https://discord.com/channels/1/8/42", "https://acme.slack.com/archives/C2/p1712345700000200", "%"):
        assert await why(settings, asked) is None
    await db.close()


async def test_why_explains_the_latest_turns_of_a_conversation_by_key_or_address(
    db: SQLiteDatabase, settings: Settings
) -> None:
    """Messages on the page and in the terminal show no id that people could ask about."""
    tags = []
    for n in range(4):
        row = (await opened(db, f"web:{n}", "web:a")).turn
        tags.append(row.tag)
        await db.write(turns.close_turn, row, turns.Ending("failed", "It needs a model."), 9.0)
    await opened(db, "web:4", "web:a")
    await claimed(db, "web:5", "web:a")
    for asked in ("web:a", "http://127.0.0.1:8321/c/web:a", "https://threadline.example.org/c/web%3Aa?x=1"):
        first, *told, open_now, waiting = str(await why(settings, asked)).splitlines()
        assert first == "web:a is a conversation. Its latest turns, the newest last:"
        assert [line.split()[1] for line in told] == tags[-2:]
        assert all(line.endswith("People saw “It needs a model.”") for line in told)
        assert "in progress" in open_now
        assert waiting == "1 message waits for the next turn."
    assert await why(settings, "http://127.0.0.1:8321/c/web:b") is None
    await db.write(conversations.choose_here, {**PLACE, "key": "web:b"}, "tour", 1.0)
    assert "nobody has asked anything yet" in str(await why(settings, "web:b"))
    await db.close()


@pytest.mark.parametrize(
    ("platform", "by", "who"),
    [
        ("web", "web", "a person on the page or in the terminal"),
        ("slack", "U1", "Ada (U1)"),
        ("slack", "U2", "U2"),
        ("slack", NEWER_MESSAGE, "a newer message"),
    ],
)
async def test_why_says_who_stopped_an_answer(
    db: SQLiteDatabase, settings: Settings, platform: str, by: str, who: str
) -> None:
    row = (await opened(db, "x:1", "x:a", platform=platform, author="U1", author_name="Ada")).turn
    await db.write(turns.ask_to_stop, row.id, by)
    assert f"; {who} asked to stop it." in str(await why(settings, row.tag))
    await db.write(turns.close_turn, row, turns.Ending("stopped"), 9.0)
    assert f": stopped by {who} on " in str(await why(settings, row.tag))
    await db.close()


async def test_only_the_newest_reasons_are_kept(db: SQLiteDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unanswered, "KEPT", 3)
    for n in range(6):
        await db.write(unanswered.record, {f"discord:{n}": "not addressed to the bot"}, float(n))
    rows = await db.read("select event from unanswered order by seq")
    assert [row["event"] for row in rows] == ["discord:3", "discord:4", "discord:5"]
    await db.close()


async def test_pending_reasons_are_written_at_shutdown(db: SQLiteDatabase) -> None:
    notes = Unanswered(db)
    running = asyncio.create_task(notes.run())
    await asyncio.sleep(0)
    for n in range(200):
        notes.note(f"discord:{n}", "not addressed to the bot")
    running.cancel()
    await asyncio.wait([running])
    assert len(await db.read("select * from unanswered")) == 200
    await db.close()


async def test_why_works_while_the_server_runs(start: Start) -> None:
    process = start()
    async with Page(address(process)) as page:
        await page.say("web:why", "hello", event="0b7e5a3a-2f0e-4a8c-9f57-6b8d3b1f0002")
        await page.answers("web:why", 1)
    told = start("why", "web:0b7e5a3a-2f0e-4a8c-9f57-6b8d3b1f0002")
    assert told.wait() == 0
    assert "answered" in told.output
    unknown = start("why", "web:nobody")
    assert unknown.wait() == 2
    assert "Threadline has no record of web:nobody" in unknown.output


def test_why_without_a_database_says_so_and_creates_none(start: Start, tmp_path: Path) -> None:
    told = start("why", "discord:1")
    assert told.wait() == 2
    assert "There is no database" in told.output
    assert not (tmp_path / "data").exists()


async def test_why_says_that_a_conversation_was_deleted(db: SQLiteDatabase, settings: Settings) -> None:
    turn = await opened(db, "web:1")
    await db.write(turns.close_turn, turn.turn, turns.Ending("failed", "Sorry."), 9.0)
    await db.write(deleted.delete, turn.conversation.id, None)
    story = str(await why(settings, "web:1"))
    assert "of a conversation that has since been deleted" in story
    assert "Sorry" not in story
    assert "People saw no message" not in story
    await db.close()
