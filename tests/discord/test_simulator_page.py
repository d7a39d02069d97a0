"""The simulator's page shows the server as a person sees it, and lets them do there what they do in Discord."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from discord import ButtonStyle, Interaction, TextStyle, app_commands, ui
from playwright.async_api import FilePayload, Page, expect

from tests.browser import opened
from tests.discord.stock import Stock, running
from tests.simulators.discord.client import DiscordPeople

pytestmark = pytest.mark.browser
Asked = Interaction[Any]


class Form(ui.Modal, title="Say it in your words"):
    words: ui.TextInput["Form"] = ui.TextInput(label="Your words", custom_id="words", style=TextStyle.paragraph)

    async def on_submit(self, interaction: Interaction[Any]) -> None:
        await interaction.response.send_message(f"You wrote: {self.words.value}", ephemeral=True)


class Buttons(ui.View):
    @ui.button(label="Write", style=ButtonStyle.primary)
    async def form(self, interaction: Asked, _: ui.Button["Buttons"]) -> None:
        await interaction.response.send_modal(Form())


async def _names(interaction: Asked, current: str) -> list[app_commands.Choice[str]]:
    return [app_commands.Choice(name=name, value=name) for name in ("Tour", "Small talk") if current in name]


@app_commands.autocomplete(name=_names)
async def _use(interaction: Asked, name: str) -> None:
    await interaction.response.send_message(f"{name} answers you", view=Buttons())


class Group(app_commands.Group):
    @app_commands.command(description="Come")
    async def join(self, interaction: Asked) -> None: ...

    @app_commands.command(description="Go")
    async def leave(self, interaction: Asked) -> None: ...


@pytest.fixture
async def stock(simulator: dict[str, Any], discord: DiscordPeople) -> AsyncIterator[Stock]:
    """A client with a command."""
    client = Stock(simulator)
    client.tree.command(name="use", description="Choose who answers")(_use)
    client.tree.add_command(Group(name="group", description="Come and go"))
    async with running(client, simulator["token"]):
        await client.tree.sync()
        yield client
    await discord.until(lambda now: now.sockets == 0)


@pytest.fixture
async def page(stock: Stock, simulator: dict[str, Any]) -> AsyncIterator[Page]:
    """The page, opened by the first of the server's people; an error in it fails the test."""
    async with opened(simulator["address"]) as page:
        yield page


async def _type(page: Page, text: str, *, label: str = "Message") -> None:
    box = page.get_by_role("textbox", name=label, exact=True)
    await box.fill(text)
    await box.press("Enter")


async def test_the_page_shows_a_question_its_thread_and_a_growing_answer(page: Page, stock: Stock) -> None:
    await _type(page, "@threadline what now?")
    heard = await stock.heard.get()
    thread = await heard.create_thread(name="What now")
    answer = await thread.send("It is")
    await page.locator("#messages .thread").get_by_role("button").click()
    shown = page.locator("#replies li").first
    await expect(shown).to_contain_text("It is")
    await answer.edit(content="It is **growing** `fast`")
    await expect(shown.locator("b", has_text="growing")).to_be_visible()
    await thread.typing()
    await expect(page.locator("#thread-typing")).to_have_text("threadline is typing…")
    await _type(page, "thanks", label="Message in the thread")
    assert (await stock.heard.get()).channel.id == thread.id


async def test_a_command_is_suggested_and_its_button_opens_a_form(page: Page) -> None:
    await expect(page.get_by_role("textbox", name="Message", exact=True)).to_be_enabled()
    await page.get_by_role("textbox", name="Message", exact=True).press_sequentially("/u")
    await page.get_by_role("button", name="/use").click()
    await page.get_by_role("button", name="Small talk").click()
    await page.get_by_role("textbox", name="Message", exact=True).press("Enter")
    said = page.locator("#messages li", has_text="Small talk answers you")
    await expect(said).to_contain_text("ada used /use")
    await said.get_by_role("button", name="Write").click()
    await page.get_by_label("Your words").fill("hello")
    await page.get_by_role("button", name="Submit").click()
    await expect(page.locator("li.private")).to_contain_text("You wrote: hello")
    await page.get_by_label("You are").select_option("grace")
    await expect(page.locator("li.private")).to_have_count(0)


async def test_every_person_has_their_own_dm(page: Page, stock: Stock) -> None:
    await page.get_by_role("button", name="@ threadline").click()
    await _type(page, "between us")
    await (await stock.heard.get()).reply("just us")
    await expect(page.locator("#messages")).to_contain_text("just us")
    await page.get_by_label("You are").select_option("grace")
    await expect(page.locator("#messages")).not_to_contain_text("just us")


async def test_an_unknown_command_is_reported(page: Page) -> None:
    await _type(page, "/nothing")
    await expect(page.get_by_role("alert")).to_contain_text("There is no command /nothing")


async def test_an_unknown_subcommand_is_reported_until_the_person_types_again(page: Page) -> None:
    await _type(page, "/group frobnicate")
    alert, box = page.get_by_role("alert"), page.get_by_role("textbox", name="Message", exact=True)
    await expect(alert).to_have_text("There is no command /group frobnicate. Choose from join, leave.")
    await expect(box).to_have_value("/group frobnicate")
    await box.press_sequentially(" please")
    await expect(alert).to_be_hidden()


async def test_the_apps_reactions_are_shown(page: Page, stock: Stock) -> None:
    await _type(page, "@threadline what now?")
    heard = await stock.heard.get()
    await heard.add_reaction("👀")
    shown = page.locator("#messages li").last.locator(".reactions")
    await expect(shown).to_have_text("👀 1")
    assert stock.user is not None
    await heard.remove_reaction("👀", stock.user)
    await expect(shown).to_have_count(0)


async def test_people_edit_and_delete_their_messages_by_keyboard_and_the_app_is_told(page: Page, stock: Stock) -> None:
    await _type(page, "tea, @grace?")
    heard = await stock.heard.get()
    said = page.locator("#messages > li").last
    await expect(said).to_contain_text("tea")
    tools = said.locator(".tools")
    await expect(tools).to_have_css("opacity", "0")
    for name in ("Copy link", "Delete", "Edit"):
        await page.keyboard.press("Shift+Tab")
        await expect(tools.get_by_role("button", name=name)).to_be_focused()
    await expect(tools).to_have_css("opacity", "1")
    await heard.add_reaction("👀")
    await expect(said.locator(".reactions")).to_be_visible()
    edited = asyncio.create_task(stock.wait_for("message_edit"))
    await page.keyboard.press("Enter")
    await expect(said.get_by_role("textbox", name="Edit message")).to_have_value("tea, @grace?")
    await page.keyboard.press("ControlOrMeta+a")
    await page.keyboard.type("coffee")
    await page.keyboard.press("Enter")
    assert (await edited)[1].content == "coffee"
    await expect(said).to_contain_text("coffee")
    await expect(said).to_contain_text("(edited)")
    deleted = asyncio.create_task(stock.wait_for("raw_message_delete"))
    await said.get_by_role("button", name="Delete").press("Enter")
    assert (await deleted).message_id == heard.id
    await expect(page.locator("#messages > li", has_text="coffee")).to_have_count(0)


async def test_people_edit_and_delete_only_what_they_said(page: Page, stock: Stock) -> None:
    await _type(page, "mine")
    heard = await stock.heard.get()
    said = page.locator("#messages > li").last
    await expect(said.get_by_role("button", name="Edit")).to_have_count(1)
    await page.get_by_label("You are").select_option("grace")
    await expect(said.locator(".tools")).to_have_text("Copy link")
    await heard.reply("the app's")
    await expect(said).to_contain_text("the app's")
    await expect(said.locator(".tools")).to_have_text("Copy link")


async def test_a_copied_link_is_the_messages_own(page: Page, stock: Stock) -> None:
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    for place in ("# general", "@ threadline"):
        await page.get_by_role("button", name=place).click()
        await _type(page, f"remember this in {place}")
        heard = await stock.heard.get()
        said = page.locator("#messages > li", has_text="remember this in").last
        await said.get_by_role("button", name="Copy link").press("Enter")
        await expect(said.get_by_role("button", name="Copied")).to_be_visible()
        assert await page.evaluate("navigator.clipboard.readText()") == heard.jump_url


async def test_files_are_attached_and_the_page_scrolls_to_a_new_picture(page: Page, stock: Stock) -> None:
    tall = b'<svg xmlns="http://www.w3.org/2000/svg" width="60" height="2000"><rect width="60" height="2000"/></svg>'
    chooser = page.locator("#here input[type=file]")
    files = [("tall.svg", "image/svg+xml", tall), ("notes.txt", "text/plain", b"words")]
    await chooser.set_input_files([FilePayload(name=name, mimeType=kind, buffer=data) for name, kind, data in files])
    box = page.get_by_role("textbox", name="Message", exact=True)
    await expect(page.locator("#here .attach")).to_have_text("tall.svg, notes.txt")
    await box.press("Enter")
    heard = await stock.heard.get()
    assert [(one.filename, await one.read()) for one in heard.attachments] == [(name, data) for name, _, data in files]
    said = page.locator("#messages li").last
    await expect(said.get_by_role("img", name="tall.svg")).to_have_js_property("complete", value=True)
    await expect(said.locator("a.file")).to_contain_text("notes.txt")
    await expect(page.locator("#here .attach")).to_have_text("+")
    await page.wait_for_function(
        "(list) => list.scrollHeight > 2000 && list.scrollHeight - list.scrollTop - list.clientHeight < 60",
        arg=await page.locator("#messages").element_handle(),
    )


async def test_an_answer_is_rendered_as_discord_renders_it(page: Page, stock: Stock) -> None:
    await _type(page, "@threadline show me")
    where = (await stock.heard.get()).channel
    await where.send("# Plan\n> said\n- **one** [two](<https://example.org>) \\*three\\*\n-# Tour: a *scripted* reply")
    said = page.locator("#messages li").last.locator(".text")
    await expect(said.locator("h4")).to_have_text("Plan")
    await expect(said.locator("blockquote")).to_have_text("said")
    await expect(said).to_contain_text("•  one two *three*")
    await expect(said.get_by_role("link", name="two")).to_have_attribute("href", "https://example.org")
    await expect(said.locator(".subtext")).to_have_text("Tour: a scripted reply")
