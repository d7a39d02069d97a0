"""What becomes of a conversation that somebody renames or deletes: the real program, asked over the page's API."""

import uuid
from pathlib import Path

import pytest

from assistants.connector import AssistantsClient, NotFoundError
from bot import conversations as module
from bot.adapter import NotDoneError
from bot.incoming import Person, Place
from bot.stops import Stops
from bot.watch import Hub
from storage import conversations
from storage.sqlite import SQLiteDatabase
from tests.bot.conftest import Start, address, table
from tests.bot.test_promises import KEY, growing, shows, thread_of, visiting
from tests.bot.test_promises import model as model
from tests.bot.test_promises import settings as settings
from tests.scripted import Model
from tests.storage.claims import opened

WORDS = (
    "select title, thread_id from conversations where title is not null or thread_id is not null"
    " union all select body, attachments from incoming where body is not null or attachments is not null"
    " union all select reason, error from turns where reason is not null or error is not null"
    " union all select id, body from messages union all select id, filename from files where run_id is not null"
)


async def test_a_deleted_conversation_leaves_no_words_and_no_late_answer(
    start: Start, settings: dict[str, str], model: Model, tmp_path: Path
) -> None:
    async with visiting(address(program := start("run", **settings))) as (page, client):
        file, event = await page.attach("secret.txt", b"The code is 4711."), str(uuid.uuid4())
        await page.say(KEY, "what is in it?", event=event, files=[file])
        await page.answers(KEY, 1)
        await growing(page, model, "and the rest?")
        await page.say(KEY, "and this?")
        thread = await thread_of(tmp_path)
        async with page.events(KEY) as events:
            assert (await page.delete(KEY)).status_code == 200
            async for name, moment in events:
                if name == "moment" and moment["kind"] == "deleted":
                    break
        await model.release()

        with pytest.raises(NotFoundError):
            await client.threads.retrieve(thread)
        with pytest.raises(NotFoundError):
            await client.files.retrieve(file["id"])
        assert table(tmp_path, WORDS) == []
        assert (await page.titles(), await page.exchanges(KEY)) == ({}, [])
        assert program.line("conversation deleted")

        assert (await page.say(KEY, "what is in it?", event=event))["outcome"] == "duplicate", "it is not asked again"
        await page.say(KEY, "a new beginning")
        [exchange] = await page.until(KEY, shows("You said: a new beginning"))
        assert exchange["question"] == "a new beginning"
        assert (await page.delete("web:never-there")).status_code == 200, "it is not there, as was asked"
    program.end()
    kept = b"".join(file.read_bytes() for file in (tmp_path / "data").glob("threadline.db*"))
    assert b"a new beginning" in kept
    assert b"and the rest?" not in kept


async def test_a_renamed_conversation_keeps_its_name(start: Start, settings: dict[str, str]) -> None:
    async with visiting(address(start("run", **settings))) as (page, _):
        await page.say(KEY, "hello")
        assert (await page.rename(KEY, "  Plans \n for\x00 May ")).status_code == 200
        await page.say(KEY, "hello again")
        await page.answers(KEY, 2)
        assert await page.titles() == {KEY: "Plans for May"}
        for key, title, why in ((KEY, " ", module.NAMELESS), ("web:nowhere", "Plans", module.NOT_THERE)):
            refused = await page.rename(key, title)
            assert (refused.status_code, refused.json()["error"]) == (409, why)


async def test_a_conversation_whose_answer_does_not_stop_is_kept_with_its_messages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STOP_SECONDS", 0.0)
    place = Place("web:a", "web", "", "a", None)
    db = SQLiteDatabase.open(tmp_path / "threadline.db")
    async with AssistantsClient("http://127.0.0.1:9/v1") as client:
        turn = await opened(db, "web:1")
        with pytest.raises(NotDoneError, match="does not stop, so nothing was deleted"):
            await module.Conversations(db, client, Stops(db), Hub()).delete(place, Person(id="web"))
        assert await conversations.by_key(db, "web:a") == turn.conversation
        assert await db.read("select body from incoming") == [{"body": "web:1"}]
    await db.close()
