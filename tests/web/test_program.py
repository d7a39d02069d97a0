"""First light in a browser: the real program, its real service and store, asked by a person on the page."""

import itertools
import json
import shutil
from base64 import b64encode
from pathlib import Path

import pytest
from playwright.async_api import FilePayload, Page, expect

from assistants.service.script import ScriptedError
from assistants.service.scripted import ScriptedCall, ScriptedReply
from tests.models.fixtures import lend
from tests.processes import ROOT
from tests.scripted import Model, connecting
from tests.service.documents import SAID, pdf
from tests.web.conftest import Start
from tests.web.reading import answered, ask, exchange, grown, said, watch_growth
from tests.web.test_files import LOADED, PHOTO, PIXEL, attach

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

CONFIGURED = {"THREADLINE_CONFIG": str(ROOT / "threadline.toml"), "SANDBOX": "auto"}
LABEL = "Scripted reply: no model wrote this."
NEEDS_MODEL = "This assistant needs a model."
READER = """
default = ["reader"]
[assistants.reader]
title = "Reader"
tools = ["file_search"]
"""
WAVE = b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(40)
EQUATION = "I need to solve the equation 3x + 11 = 14. Can you help me?"


def grows(texts: list[str]) -> bool:
    """Each text begins with the one before."""
    return all(after.startswith(before) for before, after in itertools.pairwise(texts))


async def test_tour_answers_as_it_grows_and_is_there_after_reload_and_restart(page: Page, start: Start) -> None:
    """What was said is forgotten after a restart."""
    process, address = start()
    await page.goto(address)
    await expect(page.locator("#picked")).to_have_text("Tour (scripted)")
    await watch_growth(page)
    await page.get_by_role("button", name="Show me around").click()
    answer = await answered(page)
    texts = await grown(page)

    assert answer.splitlines()[-1] == LABEL
    assert await exchange(page).locator(".who").inner_text() == "Tour (scripted)"
    assert len(texts) >= 3
    assert grows(texts)
    conversation = await said(page)
    await page.reload()
    await answered(page)
    assert await said(page) == conversation

    assert process.end() == 0
    await expect(page.locator("#connection")).to_contain_text("Connection lost")
    start(PORT=address.rpartition(":")[2])
    await expect(page.locator("#connection")).to_be_hidden(timeout=30_000)
    assert await said(page) == conversation
    await ask(page, "2")
    assert "Your conversation stays" in await answered(page, 1)
    assert [question for question, _ in await said(page)] == ["Hello", "2"]
    await page.goto(address)
    await page.get_by_role("link", name="Hello").click()
    await answered(page, 1)
    assert len(await said(page)) == 2


async def test_the_tour_runs_code_and_its_figure_is_there_after_reload(page: Page, start: Start) -> None:
    if shutil.which("bwrap") is None:
        pytest.skip("bubblewrap is not installed")
    process, address = start(SANDBOX="auto")
    process.line("The sandbox stopped every canary", seconds=90)
    await page.goto(address)
    await ask(page, "6")
    assert "It printed x = 1." in await answered(page)
    for _ in range(2):
        figure = exchange(page).locator(".file img")
        await expect(figure).to_have_js_property("complete", True)
        assert await figure.evaluate("picture => picture.naturalWidth") > 100
        assert await figure.get_attribute("alt") == "A figure that the code drew"
        assert await exchange(page).locator(".step").count() == 0
        await page.reload()
        await answered(page)


async def test_killed_in_the_middle_of_an_answer_it_is_answered_once_in_the_same_place(
    page: Page, start: Start, model_address: str
) -> None:
    """The answer is lost on a restart, or the chat stays dead."""
    model = Model(model_address)
    env = {"MODEL_BASE_URL": f"{model_address}/v1", "MODEL": "scripted"}
    process, address = start(**env)
    await model.play(ScriptedReply(text="This will be cut", hold_after=2), ScriptedReply(text="This is whole."))
    await page.goto(address)
    await ask(page, "Go on?")
    await model.held()
    await expect(page.locator(".segments .text")).to_have_text("This will")
    process.kill()
    await expect(page.locator("#connection")).to_contain_text("Connection lost")
    start(**env, PORT=address.rpartition(":")[2])

    await expect(page.locator(".segments .text")).to_have_text("This is whole.", timeout=60_000)
    await answered(page)
    assert await said(page) == [["Go on?", "This is whole."]]
    await page.reload()
    await answered(page)
    assert await said(page) == [["Go on?", "This is whole."]]
    await model.release()
    await model.aclose()


async def test_small_talk_answers_with_its_label(
    page: Page, start: Start, smollm2_weights: Path, tmp_path: Path
) -> None:
    lend(smollm2_weights, tmp_path / "data")
    _, address = start()
    await page.goto(address)
    await watch_growth(page)
    await page.get_by_role("button", name="Small talk").click()
    answer = await answered(page, seconds=110)
    texts = await grown(page)

    assert "often wrong" in answer
    assert await exchange(page).locator(".notice.label").count() == 1
    assert await exchange(page).locator(".who").inner_text() == "Small talk (demo model)"
    assert len(texts) >= 3
    assert grows(texts)
    conversation = await said(page)
    await page.reload()
    await answered(page)
    assert await said(page) == conversation


async def test_math_tutor_asks_for_a_model_and_uses_the_one_that_is_connected_on_its_card(
    page: Page, start: Start, model_address: str, tmp_path: Path
) -> None:
    model = Model(model_address)
    _, address = start(**CONFIGURED)
    await page.goto(address)
    await page.get_by_role("button", name="Solve 3x + 11 = 14").click()
    assert NEEDS_MODEL in await answered(page)
    card = exchange(page).locator("form.card")

    await model.play(ScriptedReply(error=ScriptedError(401, "Incorrect API key provided: sk-wrong-and-long.")))
    await card.get_by_label("Address").fill(f"{model_address}/v1")
    await card.get_by_label("Key").fill("sk-wrong-and-long")
    await card.get_by_label("Model").fill("scripted")
    await card.get_by_role("button", name="Try and connect").click()
    await expect(card.locator(".outcome")).to_contain_text("key")
    await expect(card.locator(".outcome")).not_to_contain_text("sk-wrong")
    assert await card.locator(".outcome").get_attribute("data-mood") == "bad"
    assert not (tmp_path / ".env").exists()

    await model.play(ScriptedReply(text="OK"), ScriptedReply(text="x = 1."))
    await card.get_by_label("Key").fill("sk-right-and-long")
    await card.get_by_role("button", name="Try and connect").click()
    await expect(card.locator(".outcome")).to_have_text("Connected: scripted answers.")
    await expect(page.locator("#model")).to_have_text("scripted")
    assert "sk-right-and-long" in (tmp_path / ".env").read_text()
    assert "sk-right-and-long" not in await page.content()

    await card.get_by_role("button", name="Ask again").click()
    assert await answered(page, 1) == "x = 1."
    assert await said(page) == [[EQUATION, (await said(page))[0][1]], [EQUATION, "x = 1."]]
    assert (await model.requests())[-1]["messages"][-1]["content"] == EQUATION
    await model.aclose()


async def test_a_picture_reaches_the_model_and_a_document_is_searched(
    page: Page, start: Start, model_address: str, tmp_path: Path
) -> None:
    model = Model(model_address)
    (tmp_path / "threadline.toml").write_text(READER)
    call = ScriptedCall("file_search", json.dumps({"query": "umbrella"}))
    await model.play(ScriptedReply(tool_calls=(call,)), ScriptedReply(text="It is there【0:0†rain.pdf】."))
    _, address = start(**connecting(model_address))
    await page.goto(address)
    await attach(page, FilePayload(name="voice.txt", mimeType="text/plain", buffer=WAVE))
    await expect(page.get_by_role("alert")).to_contain_text("Please write your message instead")
    await attach(page, PHOTO, FilePayload(name="rain", mimeType="", buffer=pdf()))
    await expect(page.locator("#attached .chip:not(.coming)")).to_have_count(2)
    await ask(page, "Where is the umbrella?")

    assert (await answered(page)).startswith(f"It is there[1].\n\n[1] rain.pdf: “{SAID}")
    asked = [m["content"] for m in (await model.requests())[-1]["messages"] if m["role"] == "user"][-1]
    assert [part["type"] for part in asked] == ["text", "image_url"]
    assert asked[1]["image_url"]["url"] == f"data:image/png;base64,{b64encode(PIXEL).decode()}"
    await page.reload()
    question = exchange(page).locator(".question")
    assert await question.get_by_role("img", name="photo.png").evaluate(LOADED) == 1
    async with page.expect_download() as download:
        await question.get_by_role("link", name="rain.pdf").click()
    assert (await (await download.value).path()).read_bytes() == pdf()
    await model.aclose()


async def test_commands_typed_on_the_page_pick_who_answers(page: Page, start: Start) -> None:
    _, address = start(**CONFIGURED)
    await page.goto(address)
    await expect(page.locator("#picked")).to_have_text("Tour (scripted)")
    await ask(page, "/assistant list")
    await expect(page.locator(".note").nth(0)).to_contain_text("Math Tutor")
    await ask(page, "Hello")
    await answered(page)
    await ask(page, "/assistant use math tutor")
    await expect(page.locator(".note").nth(1)).to_contain_text("Math Tutor answers in this conversation")
    await expect(page.locator("#picked")).to_have_text("Math Tutor")
    await ask(page, EQUATION)

    assert NEEDS_MODEL in await answered(page, 1)
    await page.reload()
    await answered(page, 1)
    await expect(page.locator("#picked")).to_have_text("Math Tutor")
    await page.get_by_role("link", name="New conversation").click()
    await expect(page.locator("#picked")).to_have_text("Tour (scripted)")
