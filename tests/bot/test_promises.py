"""What is promised of a turn whatever happens beside it: the real program, asked over the page's API."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from assistants.connector import AssistantsClient
from assistants.contract import Message, Run
from assistants.service.scripted import ScriptedCall, ScriptedReply
from bot.answer import ASSISTANT_GONE, INTERRUPTED, STOPPED, THREAD_GONE
from tests.bot.conftest import Start, address, table
from tests.bot.page import JSON, Page, said
from tests.scripted import Model, connecting

KEY = "web:0b7e5a3a-2f0e-4a8c-9f57-6b8d3b1f0001"
HELD = ScriptedReply(chunks=("Half ", "an ", "answer."), hold_after=2)


@pytest.fixture
async def model(model_address: str) -> AsyncIterator[Model]:
    model = Model(model_address)
    yield model
    await model.release()
    await model.aclose()


@pytest.fixture
def settings(model_address: str) -> dict[str, str]:
    return {**connecting(model_address), "THREADLINE_API_KEYS": "sk-operator"}


@asynccontextmanager
async def visiting(url: str) -> AsyncIterator[tuple[Page, AssistantsClient]]:
    """Somebody at the page, and an operator at the API beside them."""
    async with Page(url) as page, AssistantsClient(f"{url}/v1", api_key="sk-operator") as client:
        yield page, client


def ended(count: int) -> Callable[[list[JSON]], bool]:
    return lambda now: sum(e["state"] in ("answered", "stopped", "failed") for e in now) >= count


def shows(text: str) -> Callable[[list[JSON]], bool]:
    return lambda now: any(text in said(e) for e in now)


async def growing(page: Page, model: Model, question: str = "go on") -> None:
    """Asks, and returns when half an answer is before people."""
    await model.play(HELD)
    async with page.events(KEY) as events:
        await page.say(KEY, question)
        await model.held()
        async for name, moment in events:
            if name == "moment" and moment["kind"] == "snapshot" and "Half an" in said({"answer": moment["segments"]}):
                return


async def thread_of(folder: Path) -> str:
    return str(table(folder, "select thread_id from conversations")[0][0])


async def foreign_run(client: AssistantsClient, model: Model, folder: Path) -> Run:
    """Another program's run holds the thread of the conversation until the model is released."""
    assistant = str(table(folder, "select assistant_id from runs")[0][0])
    await model.play(HELD)
    run = await client.threads.runs.create(await thread_of(folder), assistant_id=assistant)
    await model.held()
    return run


async def messages(client: AssistantsClient, thread: str) -> list[Message]:
    return [message async for message in client.threads.messages.list(thread, order="asc", limit=100)]


@pytest.mark.parametrize("words", ["/assistant stop", "stop", "Stop!"])
async def test_stop_keeps_the_partial_text_and_waiting_messages_are_answered_next(
    start: Start, settings: dict[str, str], model: Model, words: str
) -> None:
    async with visiting(address(start("run", **settings))) as (page, _):
        await growing(page, model)
        assert (await page.say(KEY, "and this?"))["waits"]
        await page.say(KEY, words)
        first, second = await page.until(KEY, ended(2))
        assert (first["state"], said(first)) == ("stopped", "Half an \nStopped.")
        assert (second["state"], said(second)) == ("answered", "You said: and this?")


async def test_the_word_stop_is_a_question_if_no_answer_is_in_progress(start: Start, settings: dict[str, str]) -> None:
    async with visiting(address(start("run", **settings))) as (page, _):
        await page.say(KEY, "stop")
        assert await page.answers(KEY, 1) == ["You said: stop"]
        assert "No answer is in progress" in (await page.say(KEY, "/assistant stop"))["text"]


async def test_a_stop_affects_only_its_own_conversation(start: Start, settings: dict[str, str], model: Model) -> None:
    """Everybody who uses the page counts as one person, so the person alone does not identify the answer."""
    async with visiting(address(start("run", **settings))) as (page, _):
        await growing(page, model)
        assert "No answer is in progress" in (await page.say("web:another", "/assistant stop"))["text"]
        assert "no answer to regenerate" in (await page.say("web:another", "/assistant regenerate"))["text"]
        await model.release()
        assert await page.answers(KEY, 1) == ["Half an answer."]


async def test_a_regenerated_answer_replaces_the_first(
    start: Start, settings: dict[str, str], model: Model, tmp_path: Path
) -> None:
    async with visiting(address(start("run", **settings))) as (page, client):
        await model.play(ScriptedReply(text="A poor answer."), ScriptedReply(text="A fine answer."))
        await page.say(KEY, "what is it?")
        assert await page.answers(KEY, 1) == ["A poor answer."]
        assert "Answering the last question" in (await page.say(KEY, "/assistant regenerate"))["text"]
        (exchange,) = await page.until(KEY, shows("A fine answer."))
        assert exchange["question"] == "what is it?"
        thread = await thread_of(tmp_path)
        assert [message.text for message in await messages(client, thread)] == ["what is it?", "A fine answer."]
        asked = (await model.requests())[-1]["messages"]
        assert [message["content"] for message in asked if message["role"] != "system"] == ["what is it?"]


async def test_regenerate_is_refused_while_an_answer_is_in_progress(
    start: Start, settings: dict[str, str], model: Model
) -> None:
    async with visiting(address(start("run", **settings))) as (page, _):
        await growing(page, model)
        assert "stop it first" in (await page.say(KEY, "/assistant regenerate"))["text"]
        await model.release()
        assert await page.answers(KEY, 1) == ["Half an answer."]


@pytest.mark.parametrize(
    ("overlap", "questions"), [("collect", ["go on", "one\n\ntwo"]), ("queue", ["go on", "one", "two"])]
)
async def test_messages_sent_during_an_answer_are_answered_together_or_one_by_one(
    start: Start, settings: dict[str, str], model: Model, tmp_path: Path, overlap: str, questions: list[str]
) -> None:
    (tmp_path / "threadline.toml").write_text(f'[assistants.assistant]\noverlap = "{overlap}"\n')
    async with visiting(address(start("run", **settings))) as (page, _):
        await growing(page, model)
        for text in ("one", "two"):
            assert (await page.say(KEY, text))["waits"]
        await model.release()
        found = await page.until(KEY, ended(len(questions)))
        assert [exchange["question"] for exchange in found] == questions
        assert [said(found[0]), said(found[-1])] == ["Half an answer.", "You said: two"]


async def test_a_channel_can_let_newer_messages_interrupt_an_answer(
    start: Start, settings: dict[str, str], model: Model, tmp_path: Path
) -> None:
    (tmp_path / "threadline.toml").write_text('[channels."web:local:page"]\noverlap = "interrupt"\n')
    async with visiting(address(start("run", **settings))) as (page, _):
        await growing(page, model)
        await page.say(KEY, "rather this")
        found = await page.until(KEY, shows("You said: rather this"))
        assert [said(exchange) for exchange in found] == [f"Half an \n{INTERRUPTED}", "You said: rather this"]


async def test_a_thread_lost_by_the_server_is_replaced_and_people_are_told(
    start: Start, settings: dict[str, str], tmp_path: Path
) -> None:
    async with visiting(address(start("run", **settings))) as (page, client):
        await page.say(KEY, "one")
        await page.answers(KEY, 1)
        await client.threads.delete(await thread_of(tmp_path))
        await page.say(KEY, "two")
        found = await page.until(KEY, ended(2))
        assert said(found[-1]) == f"You said: two\n{THREAD_GONE}"
        await page.say(KEY, "three")
        assert said((await page.until(KEY, ended(3)))[-1]) == "You said: three"


async def test_an_assistant_lost_by_the_server_is_created_again_and_people_are_told(
    start: Start, settings: dict[str, str]
) -> None:
    async with visiting(address(start("run", **settings))) as (page, client):
        async for assistant in client.assistants.list(limit=100):
            await client.assistants.delete(assistant.id)
        await page.say(KEY, "one")
        assert await page.answers(KEY, 1) == [f"You said: one\n{ASSISTANT_GONE}"]
        await page.say(KEY, "two")
        assert (await page.answers(KEY, 2))[1] == "You said: two"


async def test_a_foreign_run_on_our_thread_is_waited_for(
    start: Start, settings: dict[str, str], model: Model, tmp_path: Path
) -> None:
    """Otherwise the server would refuse: "Can't add messages to thread while a run is active"."""
    async with visiting(address(start("run", **settings))) as (page, client):
        await page.say(KEY, "one")
        await page.answers(KEY, 1)
        foreign = await foreign_run(client, model, tmp_path)
        async with page.events(KEY) as events:
            await page.say(KEY, "two")
            async for name, moment in events:
                if name == "moment" and "another program" in moment["status"]:
                    break
        await model.release()
        assert (await page.answers(KEY, 2))[1] == "You said: two"
        assert (await client.threads.runs.retrieve(foreign.thread_id, foreign.id)).status == "completed"


async def test_a_question_whose_turn_ended_before_asking_it_is_asked_by_the_next_turn(
    start: Start, settings: dict[str, str], model: Model, tmp_path: Path
) -> None:
    """A question that never reached its thread would otherwise be lost, whatever ended its turn."""
    (tmp_path / "threadline.toml").write_text('[channels."web:local:page"]\noverlap = "interrupt"\n')
    async with visiting(address(start("run", **settings))) as (page, client):
        await page.say(KEY, "one")
        await page.answers(KEY, 1)
        await foreign_run(client, model, tmp_path)
        await page.say(KEY, "two")
        await page.say(KEY, "stop")
        await page.until(KEY, shows(STOPPED))
        await page.say(KEY, "/assistant regenerate")
        await page.say(KEY, "three")
        await page.say(KEY, "four")
        await page.until(KEY, shows(INTERRUPTED))
        await model.release()
        found = await page.until(KEY, shows("You said: four"))
        assert found[-1]["question"] == "two\n\nthree\n\nfour"
        asked = [m.text for m in await messages(client, await thread_of(tmp_path)) if m.role == "user"]
        assert asked == ["one", "two", "three", "four"]
        await foreign_run(client, model, tmp_path)
        await page.say(KEY, "five")
        await page.say(KEY, "stop")
        await page.until(KEY, lambda now: now[-1]["state"] == "stopped")
        await page.say(KEY, "/assistant regenerate")
        await model.release()
        found = await page.until(KEY, lambda now: now[-1]["state"] == "answered" and shows("You said: five")(now))
        assert found[-1]["question"] == "five"


async def test_a_foreign_run_that_requires_action_is_cancelled_when_its_thread_is_needed(
    start: Start, settings: dict[str, str], model: Model, tmp_path: Path
) -> None:
    """Nobody will submit the outputs that the run requires, so it would block its thread for good."""
    async with visiting(address(start("run", **settings))) as (page, client):
        await page.say(KEY, "one")
        await page.answers(KEY, 1)
        thread = await thread_of(tmp_path)
        assistant = str(table(tmp_path, "select assistant_id from runs")[0][0])
        await model.play(ScriptedReply(tool_calls=(ScriptedCall("look"),)))
        tools = [{"type": "function", "function": {"name": "look"}}]
        foreign = await client.threads.runs.create(thread, assistant_id=assistant, tools=tools)
        foreign = await client.threads.runs.wait(thread, foreign.id, deadline=30)
        assert foreign.status == "requires_action"
        await page.say(KEY, "two")
        assert (await page.answers(KEY, 2))[1] == "You said: two"
        assert (await client.threads.runs.retrieve(thread, foreign.id)).status == "cancelled"


async def test_a_run_that_failed_while_down_is_created_again_without_its_messages(
    start: Start, settings: dict[str, str], model: Model, tmp_path: Path
) -> None:
    process = start("run", **settings)
    async with visiting(address(process)) as (page, _):
        await model.play(ScriptedReply(chunks=("Never", "seen"), hold_after=0))
        await page.say(KEY, "one")
        await model.held()
        await page.until(KEY, lambda _: bool(table(tmp_path, "select 1 from runs")))
    process.kill()
    await model.release()
    table(tmp_path, "update runs set status = 'expired', body = json_set(body, '$.status', 'expired')")
    async with visiting(address(start("run", **settings))) as (page, client):
        assert await page.answers(KEY, 1) == ["You said: one"]
        thread = await thread_of(tmp_path)
        assert [m.text for m in await messages(client, thread) if m.role == "user"] == ["one"]
        runs = [run async for run in client.threads.runs.list(thread, order="asc", limit=100)]
        assert [(run.metadata or {})["turn"].partition(".")[2] for run in runs] == ["1", "2"]
