"""Files on the page: attached, shown before and after they are sent, refused with the reason."""

import base64

import pytest
from playwright.async_api import FilePayload, Page, expect

from bot.files import LARGEST, MOST_FILES
from bot.segments import File, Image, Text
from tests.web.reading import answered, ask, exchange
from tests.web.stage import StageBot, serving

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
NOTES = FilePayload(name="notes.txt", mimeType="text/plain", buffer=b"Buy bread.")
PHOTO = FilePayload(name="photo.png", mimeType="image/png", buffer=PIXEL)

# No program may fill the real clipboard or drag a real file here: the events are made as a browser makes them.
TRANSFER = """([name, words]) => {
  const data = new DataTransfer();
  data.items.add(new File(['Buy bread.'], name, { type: 'text/plain' }));
  if (words) data.setData('text/plain', words);
  return data;
}"""
GIVE = """(data, kind) => kind === 'paste'
  ? document.querySelector('#question').dispatchEvent(
      new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }))
  : document.body.dispatchEvent(new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }))"""
LOADED = "(image) => image.decode().then(() => image.naturalWidth)"


async def attach(page: Page, *files: FilePayload) -> None:
    await page.locator("#chosen").set_input_files(files)


async def give(page: Page, kind: str, name: str, words: str = "") -> None:
    data = await page.evaluate_handle(TRANSFER, [name, words])
    await data.evaluate(GIVE, kind)


async def test_files_are_shown_before_and_after_they_are_sent_and_outlive_a_reload(page: Page, bot: StageBot) -> None:
    async with serving(bot) as address:
        await page.goto(address)
        async with page.expect_file_chooser() as chooser:
            await page.get_by_role("button", name="Attach files").click()
        await (await chooser.value).set_files([NOTES, PHOTO])
        chips = page.get_by_role("list", name="Attached files").get_by_role("listitem")
        await expect(chips).to_have_count(2)
        await expect(chips.filter(has_text="notes.txt")).to_contain_text("10 bytes")
        await expect(page.locator("#attached .coming")).to_have_count(0)
        await page.reload()
        await expect(chips).to_have_count(2)
        assert await chips.locator("img").evaluate(LOADED) == 1

        await ask(page, "What is it?")
        [incoming] = await bot.messages(1)
        assert incoming.text == "What is it?"
        told = {file.name: (file.media_type, file.size) for file in incoming.files}
        assert told == {"notes.txt": ("text/plain", 10), "photo.png": ("image/png", len(PIXEL))}
        assert {bot.files[file.kept].data for file in incoming.files} == {b"Buy bread.", PIXEL}
        await expect(chips).to_have_count(0)
        bot.show(incoming.place.key)
        bot.finish(incoming.place.key, Text("A pixel."))
        for _ in range(2):
            await answered(page)
            question = exchange(page).locator(".question")
            assert await question.get_by_role("img", name="photo.png").evaluate(LOADED) == 1
            async with page.expect_download() as download:
                await question.get_by_role("link", name="notes.txt").click()
            assert (await download.value).suggested_filename == "notes.txt"
            await page.reload()
        await expect(chips).to_have_count(0)


async def test_a_file_may_be_sent_without_words(page: Page, bot: StageBot) -> None:
    async with serving(bot) as address:
        await page.goto(address)
        await expect(page.get_by_role("button", name="Send")).to_be_disabled()
        await attach(page, NOTES)
        await page.get_by_role("button", name="Send").click()
        [incoming] = await bot.messages(1)

        assert (incoming.text, [file.name for file in incoming.files]) == ("", ["notes.txt"])
        await expect(exchange(page).locator(".question .words")).to_be_hidden()


async def test_files_are_pasted_and_dropped(page: Page, bot: StageBot) -> None:
    async with serving(bot) as address:
        await page.goto(address)
        chips = page.locator("#attached .chip")
        await give(page, "paste", "pasted.txt")
        await expect(chips).to_have_count(1)
        await give(page, "paste", "cells.txt", "words of a table")
        await give(page, "dragenter", "dropped.txt")
        await expect(page.locator("#composer.over")).to_be_visible()
        await give(page, "drop", "dropped.txt")

        await expect(chips.locator(".chip-name")).to_have_text(["pasted.txt", "dropped.txt"])
        await expect(page.locator("#composer.over")).to_have_count(0)


async def test_a_file_that_is_taken_back_is_not_sent_and_not_kept(page: Page, bot: StageBot) -> None:
    async with serving(bot) as address:
        await page.goto(address)
        await attach(page, NOTES, PHOTO)
        await expect(page.locator("#attached .chip-name")).to_have_count(2)
        async with page.expect_response(lambda response: response.request.method == "DELETE"):
            await page.get_by_role("button", name="Remove notes.txt").click()
        await ask(page, "Only one")
        [incoming] = await bot.messages(1)

        assert [file.name for file in incoming.files] == ["photo.png"]
        assert [file.name for file in bot.files.values()] == ["photo.png"]


async def test_what_is_too_large_or_too_much_is_refused_before_it_is_sent(page: Page, bot: StageBot) -> None:
    requests: list[str] = []
    async with serving(bot) as address:
        await page.goto(address)
        page.on("request", lambda request: requests.append(request.method))
        await attach(page, FilePayload(name="big.bin", mimeType="application/octet-stream", buffer=bytes(LARGEST + 1)))
        await expect(page.get_by_role("alert")).to_have_text(
            "“big.bin” was not attached. It is too large: files of up to 20 MiB are read here."
        )
        assert "POST" not in requests
        await attach(page, *[NOTES] * MOST_FILES, PHOTO)

        await expect(page.get_by_role("alert")).to_contain_text("at most 10 files: “photo.png” was not attached")
        await expect(page.locator("#attached .chip:not(.coming)")).to_have_count(MOST_FILES)


async def test_what_the_server_does_not_take_is_said_with_its_reason(page: Page, bot: StageBot) -> None:
    bot.refusing_files = "Sound cannot be heard here yet."
    async with serving(bot) as address:
        await page.goto(address)
        await attach(page, NOTES)

        await expect(page.get_by_role("alert")).to_have_text(
            "“notes.txt” was not attached. Sound cannot be heard here yet."
        )
        await expect(page.locator("#attached .chip")).to_have_count(0)


async def test_a_message_that_was_not_stored_keeps_its_files(page: Page, bot: StageBot) -> None:
    bot.refusing = True
    async with serving(bot) as address:
        await page.goto(address)
        await attach(page, NOTES)
        await expect(page.locator("#attached .chip:not(.coming)")).to_have_count(1)
        await ask(page, "Keep both")
        await expect(exchange(page).locator(".delivery")).to_contain_text("could not be saved")
        await page.reload()
        await expect(exchange(page).locator(".question")).to_contain_text("notes.txt")
        bot.refusing = False
        await page.get_by_role("button", name="Send again").click()
        [incoming] = await bot.messages(1)

        assert [file.name for file in incoming.files] == ["notes.txt"]


async def test_what_an_answer_gives_back_is_shown_and_can_be_kept(page: Page, bot: StageBot) -> None:
    figure, table = Image("figure.png", "image/png", PIXEL, "file-1"), File("table.csv", "text/csv", b"a,b\n", "file-2")
    bot.files = {"file-1": figure, "file-2": table}
    async with serving(bot) as address:
        await page.goto(address)
        await ask(page, "Draw")
        [incoming] = await bot.messages(1)
        bot.show(incoming.place.key)
        bot.finish(incoming.place.key, Text("Here."), figure, table)
        await answered(page)
        answer = exchange(page).locator(".answer")

        assert await answer.locator(".file img").evaluate(LOADED) == 1
        async with page.expect_download() as download:
            await answer.get_by_role("link", name="table.csv").click()
        assert (await download.value).suggested_filename == "table.csv"
