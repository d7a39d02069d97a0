"""Assistants with files answer from them and name their sources; the real program, asked on the page."""

import json
import re
from pathlib import Path

import pytest

from assistants.connector import AssistantsClient
from assistants.service.scripted import ScriptedCall, ScriptedReply
from tests.bot.conftest import Start, address, table
from tests.bot.page import JSON, Page, said
from tests.scripted import Model, connecting
from tests.service.documents import SAID, pdf

KEY = "web:0b7e5a3a-2f0e-4a8c-9f57-6b8d3b1f0009"
CONFIG = """
default = ["librarian"]
[assistants.librarian]
title = "Librarian"
files = ["rain.pdf"]
"""


@pytest.fixture
async def model(model_address: str) -> Model:
    return Model(model_address)


def sources(exchange: JSON) -> list[JSON]:
    return [note for segment in exchange["answer"] if segment["type"] == "sources" for note in segment["notes"]]


async def test_the_tour_cites_its_source_without_a_model(start: Start) -> None:
    async with Page(address(start())) as page:
        steps: list[str] = []
        async with page.events(KEY) as events:
            await page.say(KEY, "7")
            async for _, moment in events:
                steps += [s["text"] for s in moment.get("segments", ()) if s["type"] == "step"]
                if moment.get("kind") == "finished":
                    break
        (exchange,) = await page.until(KEY, lambda now: bool(now) and now[0]["state"] == "answered")
        assert "nothing is lost" in said(exchange)
        assert "[1]" in said(exchange)
        assert [(note["number"], note["title"]) for note in sources(exchange)] == [(1, "threadline.md")]
        assert sources(exchange)[0]["passage"]


async def test_configured_files_are_searched_and_cited_under_the_answer(
    start: Start, model: Model, model_address: str, tmp_path: Path
) -> None:
    (tmp_path / "threadline.toml").write_text(CONFIG)
    (tmp_path / "rain.pdf").write_bytes(pdf())
    env = {**connecting(model_address), "THREADLINE_API_KEYS": "sk-operator"}
    call = ScriptedCall("file_search", json.dumps({"query": "umbrella"}))
    await model.play(ScriptedReply(tool_calls=(call,)), ScriptedReply(text="It is there【0:0†rain.pdf】."))
    first = start("run", **env)
    async with Page(address(first)) as page:
        await page.say(KEY, "Where is the umbrella?")
        (exchange,) = await page.until(KEY, lambda now: bool(now) and now[0]["state"] == "answered")
        assert said(exchange).startswith("It is there[1].")
        (source,) = sources(exchange)
        assert source["title"] == "rain.pdf"
        assert SAID in source["passage"]
    first.end()
    # The same files are not given again; others are.
    for data, stores in ((pdf(), 2), (pdf("The gloves of Oslo"), 3)):
        (tmp_path / "rain.pdf").write_bytes(data)
        program = start("run", **env)
        async with AssistantsClient(f"{address(program)}/v1", api_key="sk-operator") as client:
            assert len([store async for store in client.vector_stores.list(limit=100)]) == stores
        program.end()
    await model.aclose()


async def test_a_missing_configured_file_is_reported_in_one_sentence(start: Start, tmp_path: Path) -> None:
    (tmp_path / "threadline.toml").write_text(CONFIG)
    program = start()
    assert program.wait() == 2
    said = "threadline.toml, line {line}: assistants.librarian.files: there is no file 'rain.pdf' in "
    assert re.search(said.format(line=r"\d+"), program.output)
    assert "Traceback" not in program.output


async def test_an_assistant_that_reads_no_documents_says_so(
    start: Start, model: Model, model_address: str, tmp_path: Path
) -> None:
    (tmp_path / "threadline.toml").write_text('default = ["deaf"]\n[assistants.deaf]\ntitle = "Deaf"\n')
    env = {**connecting(model_address), "THREADLINE_API_KEYS": "sk-operator"}
    program = start("run", **env)
    async with Page(address(program)) as page:
        await page.say(KEY, "", files=[await page.attach("rain.pdf", pdf())])
        (exchange,) = await page.until(KEY, lambda now: bool(now) and now[0]["state"] == "answered")
        _, notice = exchange["answer"]

        assert notice["text"].startswith("Deaf reads no documents")
        assert (exchange["question"], [file["name"] for file in exchange["files"]]) == ("", ["rain.pdf"])
        # What is gone from the server is said, and what else was asked is answered.
        file = await page.attach("snow.pdf", pdf("snow"))
        async with AssistantsClient(f"{address(program)}/v1", api_key="sk-operator") as client:
            await client.files.delete(file["id"])
        await page.say(KEY, "Read it", files=[file])
        _, exchange = await page.until(KEY, lambda now: len(now) == 2 and now[1]["state"] == "answered")
        assert said(exchange) == "You said: Read it\n“snow.pdf” no longer exists; please send it again."


async def test_expired_documents_do_not_silence_a_conversation(
    start: Start, model_address: str, tmp_path: Path
) -> None:
    (tmp_path / "threadline.toml").write_text(CONFIG.replace('files = ["rain.pdf"]', 'tools = ["file_search"]'))
    async with Page(address(start("run", **connecting(model_address)))) as page:
        await page.say(KEY, "Keep it", files=[await page.attach("rain.pdf", pdf())])
        await page.until(KEY, lambda now: bool(now) and now[0]["state"] == "answered")
        table(tmp_path, "update vector_stores set expires_at = 1")
        await page.say(KEY, "What does it say?")
        _, exchange = await page.until(KEY, lambda now: len(now) == 2 and now[1]["state"] == "answered")
        answer, notice = said(exchange).splitlines()
        assert answer == "You said: What does it say?"
        assert notice.startswith("The documents of this conversation expired")
        await page.say(KEY, "Thanks")
        *_, exchange = await page.until(KEY, lambda now: len(now) == 3 and now[2]["state"] == "answered")
        assert said(exchange) == "You said: Thanks"
