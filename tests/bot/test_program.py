"""The program as people run it: a conversation stays, a kill loses nothing, bad input gets one sentence."""

import json
import socket
import sqlite3
from pathlib import Path

import httpx
import pytest

from assistants.service.scripted import ScriptedError, ScriptedReply
from storage.sqlite import SQLiteDatabase
from tests.bot.conftest import Start, address
from tests.bot.page import Page, said
from tests.processes import Process
from tests.scripted import Model, connecting

HERE = "web:here"


def refusal(process: Process) -> str:
    """What a program that refused to start said: one sentence, exit code 2, no traceback."""
    assert process.wait() == 2, process.output
    assert "Traceback" not in process.output
    lines = process.output.strip().splitlines()
    assert len(lines) == 1, process.output
    return lines[0]


async def test_a_conversation_continues_after_a_restart(start: Start) -> None:
    first = start()
    async with Page(address(first)) as page:
        await page.say(HERE, "hello")
        assert "no model wrote this" in (await page.answers(HERE, 1))[0].splitlines()[-1]
    assert first.end() == 0
    async with Page(address(start())) as page:
        before = await page.exchanges(HERE)
        assert [e["question"] for e in before] == ["hello"]
        await page.say(HERE, "2")
        answers = await page.answers(HERE, 2)
        assert "Your conversation stays" in answers[1]


async def test_an_answer_interrupted_by_a_kill_is_completed_once_in_its_place(
    start: Start, model: Model, model_address: str
) -> None:
    await model.play(ScriptedReply(text="one two three four five", hold_after=3))
    first = start(**connecting(model_address))
    async with Page(address(first)) as page:
        await page.say(HERE, "count, please")
        await model.held()
        first.kill()
    await model.play(ScriptedReply(text="one two three four five six"), ScriptedReply(text="and seven"))
    second = start(**connecting(model_address))
    async with Page(address(second)) as page:
        assert await page.answers(HERE, 1) == ["one two three four five six"]
        await page.say(HERE, "go on")
        assert await page.answers(HERE, 2) == ["one two three four five six", "and seven"]


async def test_a_message_sent_again_after_a_lost_response_is_accepted_once(start: Start) -> None:
    async with Page(address(start())) as page:
        event = "6b0f5ad0-54f6-4a44-8a4a-5a6a3d0aa001"
        outcomes = [(await page.say(HERE, "hello", event=event))["outcome"] for _ in range(3)]
        assert outcomes == ["accepted", "duplicate", "duplicate"]
        await page.answers(HERE, 1)
        assert len(await page.exchanges(HERE)) == 1


async def test_messages_sent_in_a_burst_are_answered_together_and_in_order(
    start: Start, model: Model, model_address: str
) -> None:
    await model.play(ScriptedReply(text="first answer", hold_after=1), ScriptedReply(text="second answer"))
    async with Page(address(start(**connecting(model_address)))) as page:
        await page.say(HERE, "first")
        await model.held()
        await page.say(HERE, "second")
        await page.say(HERE, "third")
        waiting = await page.exchanges(HERE)
        assert [(e["state"], e["question"]) for e in waiting[1:]] == [("waiting", "second"), ("waiting", "third")]
        await model.release()
        await page.answers(HERE, 2)
        asked = (await model.requests())[-1]["messages"]
        assert [m["content"] for m in asked if m["role"] == "user"] == ["first", "second", "third"]


async def test_an_assistant_without_a_model_says_so_until_a_model_is_connected(
    start: Start, model: Model, model_address: str, tmp_path: Path
) -> None:
    (tmp_path / "threadline.toml").write_text('[assistants.math-tutor]\ntitle = "Math Tutor"\n')
    program = start()
    async with Page(address(program)) as page:
        await page.say(HERE, "hello")
        await page.answers(HERE, 1)
        assert "Math Tutor answers" in (await page.say(HERE, "/assistant use math tutor"))["text"]
        await page.say(HERE, "3x + 11 = 14?")
        await page.answers(HERE, 2)
        problem = (await page.exchanges(HERE))[1]["answer"][-1]
        assert "needs a model" in problem["text"]
        assert problem["remedy"] == "connect_model"

        refused = await page.connect(f"{model_address}/nowhere", "scripted")
        assert refused.status_code == 400
        assert "sk-page" not in refused.text
        connected = await page.connect(f"{model_address}/v1", "scripted")
        assert connected.json()["models"]["connected"] is True
        assert "sk-page" not in connected.text
        await page.say(HERE, "3x + 11 = 14?")
        assert (await page.answers(HERE, 3))[2] == "You said: 3x + 11 = 14?"
    env = (tmp_path / ".env").read_text()
    assert "sk-page" in env
    assert (tmp_path / ".env").stat().st_mode & 0o777 == 0o600
    assert "sk-page" not in program.output
    program.end()
    async with Page(address(start())) as page:
        await page.say("web:other", "still there?")
        assert await page.answers("web:other", 1) == ["You said: still there?"]


async def test_a_failing_model_is_reported_in_a_plain_sentence_and_the_conversation_continues(
    start: Start, model: Model, model_address: str
) -> None:
    await model.play(ScriptedReply(error=ScriptedError(status=401, message="bad key sk-scripted")))
    program = start(**connecting(model_address))
    async with Page(address(program)) as page:
        await page.say(HERE, "hello")
        failed = (await page.answers(HERE, 1))[0]
        assert "key" in failed
        assert "sk-scripted" not in failed + program.output
        assert (await page.exchanges(HERE))[0]["state"] == "failed"
        await page.say(HERE, "again")
        assert (await page.answers(HERE, 2))[1] == "You said: again"


async def test_commands_list_pick_and_start_over(start: Start) -> None:
    async with Page(address(start())) as page:
        assert "`small-talk`" in (await page.say(HERE, "/assistant list"))["text"]
        assert "There is no assistant called" in (await page.say(HERE, "/assistant use nobody"))["text"]
        assert "`/assistant list`" in (await page.say(HERE, "/assistant whatever"))["text"]
        anew = await page.say(HERE, "/assistant new")
        assert anew["conversation"].startswith("web:")
        assert anew["conversation"] != HERE
        assert await page.exchanges(HERE) == []


async def test_picking_an_assistant_before_the_first_message_affects_only_that_conversation(start: Start) -> None:
    async with Page(address(start())) as page:
        await page.say(HERE, "/assistant use small talk")
        chosen = (await page._http.get(f"/chat/api/conversations/{HERE}/assistants")).json()["assistants"]
        elsewhere = (await page._http.get("/chat/api/conversations/web:other/assistants")).json()["assistants"]
        assert [a["name"] for a in chosen if a["chosen"]] == ["small-talk"]
        assert [a["name"] for a in elsewhere if a["chosen"]] == ["tour"]


async def test_two_conversations_share_no_context(start: Start, model: Model, model_address: str) -> None:
    async with Page(address(start(**connecting(model_address)))) as page:
        await page.say("web:one", "the word is swordfish")
        await page.answers("web:one", 1)
        await page.say("web:two", "what is the word?")
        await page.answers("web:two", 1)
    assert "swordfish" not in json.dumps((await model.requests())[-1])


def test_a_malformed_configuration_is_refused_with_line_and_key(start: Start, tmp_path: Path) -> None:
    (tmp_path / "threadline.toml").write_text("[assistants.helper]\ntitle = 'Helper'\ntemperature = 'hot'\n")
    sentence = refusal(start())
    assert "line 3" in sentence
    assert "assistants.helper.temperature" in sentence


def test_a_busy_port_is_reported_in_one_sentence(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        sentence = refusal(start(PORT=str(taken.getsockname()[1])))
    assert "Another program uses port" in sentence
    assert "set PORT" in sentence


def test_startup_says_that_the_page_refuses_other_machines(start: Start) -> None:
    program = start(HOST="0.0.0.0")  # noqa: S104 - what is tried
    assert "set THREADLINE_ADMIN_TOKEN and PUBLIC_URL" in program.line("refuses other machines")


def test_a_second_server_on_the_same_database_is_refused_and_the_first_continues(start: Start) -> None:
    first = start()
    address(first)
    assert f"already served by another Threadline (process {first.pid})" in refusal(start())


def test_a_database_of_a_newer_version_is_refused(start: Start, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    conn = sqlite3.connect(data / "threadline.db")
    conn.executescript(
        "create table _sqlite_migrations (id integer primary key, migration_set text, name text, applied_at text);"
        "insert into _sqlite_migrations values (1, 'threadline', 'm999_later', 'now');"
    )
    conn.close()
    assert "newer Threadline" in refusal(start())


@pytest.mark.parametrize(
    "setting",
    [{"PORT": "many"}, {"LOG_LEVEL": "loud"}, {"DATABASE_URL": "mysql://u:pw@h/d"}, {"SANDBOX_SECONDS": "0"}],
)
def test_an_invalid_setting_is_refused_by_name(start: Start, setting: dict[str, str]) -> None:
    sentence = refusal(start(**setting))
    assert next(iter(setting)) in sentence
    assert "pw" not in sentence


def test_an_unreachable_assistants_server_is_reported_in_one_sentence(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
    sentence = refusal(start(ASSISTANTS_BASE_URL=f"http://127.0.0.1:{port}/v1", ASSISTANTS_API_KEY="sk-theirs"))
    assert f"127.0.0.1:{port}" in sentence
    assert "sk-theirs" not in sentence


def test_a_server_that_does_not_speak_the_api_is_reported_in_one_sentence(start: Start, model_address: str) -> None:
    assert "ASSISTANTS_BASE_URL" in refusal(start(ASSISTANTS_BASE_URL=f"{model_address}/elsewhere"))


async def test_another_server_gets_only_the_assistants_that_it_can_run(
    start: Start, model: Model, model_address: str, tmp_path: Path
) -> None:
    serving = {"DATA_DIR": str(tmp_path / "other"), "THREADLINE_API_KEYS": "sk-theirs", **connecting(model_address)}
    theirs = start("serve", **serving)
    there = {"ASSISTANTS_BASE_URL": f"{address(theirs)}/v1", "ASSISTANTS_API_KEY": "sk-theirs", "MODEL": "scripted"}
    await model.play(ScriptedReply(text="Hello from elsewhere."))
    async with Page(address(start(**there))) as page:
        await page.say(HERE, "hello")
        assert await page.answers(HERE, 1) == ["Hello from elsewhere."]
    assert (await model.requests())[-1]["model"] == "scripted"
    headers = {"authorization": "Bearer sk-theirs", "openai-beta": "assistants=v2"}
    async with httpx.AsyncClient(headers=headers, timeout=60, trust_env=False) as http:
        made = (await http.get(f"{address(theirs)}/v1/assistants")).json()["data"]
    assert [(assistant["name"], assistant["model"]) for assistant in made] == [("Assistant", "scripted")]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"ASSISTANTS_BASE_URL": "foo"}, "ASSISTANTS_BASE_URL"),
        ({"MODEL_BASE_URL": "foo", "MODEL": "m"}, "MODEL_BASE_URL must look like"),
        ({"MODEL_BASE_URL": "http://127.0.0.1:1/v1"}, "MODEL is missing"),
        ({"THREADLINE_CONFIG": "nowhere.toml"}, "nowhere.toml, which does not exist"),
        ({"HOST": "no.such.host.invalid"}, "set HOST"),
        ({"PORT": "many"}, "PORT is 'many': write a whole number."),
    ],
)
def test_incomplete_settings_are_refused_with_what_is_missing(
    start: Start, settings: dict[str, str], words: str
) -> None:
    assert words in refusal(start(**settings))


async def test_the_page_cannot_replace_a_model_set_in_the_environment(
    start: Start, model_address: str, tmp_path: Path
) -> None:
    async with Page(address(start(**connecting(model_address)))) as page:
        refused = await page.connect(f"{model_address}/v1", "scripted")
        assert refused.status_code == 400
        assert "MODEL_BASE_URL" in refused.text
    assert not (tmp_path / ".env").exists()


def test_a_data_folder_that_cannot_be_created_is_reported_in_one_sentence(start: Start, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "DATA_DIR" in refusal(start(DATA_DIR=str(tmp_path / "file" / "data")))


async def test_a_message_that_cannot_be_stored_is_not_acknowledged(start: Start, tmp_path: Path) -> None:
    """The page keeps the text and offers to send it again."""
    program = start()
    async with Page(address(program)) as page:
        await page.say(HERE, "hello")
        await page.answers(HERE, 1)
        other = sqlite3.connect(tmp_path / "data" / "threadline.db", isolation_level=None)
        other.execute("begin immediate")  # a foreign writer: every commit fails after its patience
        event = "6b0f5ad0-54f6-4a44-8a4a-5a6a3d0aa002"
        refused = await page._http.post(
            f"/chat/api/conversations/{HERE}/messages", json={"event": event, "text": "menu"}
        )
        assert refused.status_code == 503, refused.text
        other.execute("rollback")
        other.close()
        assert (await page.say(HERE, "menu", event=event))["outcome"] == "accepted"
        assert len(await page.answers(HERE, 2)) == 2


async def test_one_sqlite_file_holds_everything(start: Start, tmp_path: Path) -> None:
    """One SQLite file holds the conversation and its thread. Messages are kept only in the thread."""
    program = start()
    async with Page(address(program)) as page:
        await page.say(HERE, "a secret wish")
        await page.answers(HERE, 1)
        assert said((await page.exchanges(HERE))[0])
    program.end()
    db = SQLiteDatabase.open(tmp_path / "data" / "threadline.db")
    assert await db.read("select body from incoming") == [{"body": None}]
    kept = await db.read("select role from messages where body like '%secret wish%' and role = 'user'")
    assert len(kept) == 1
    await db.close()
