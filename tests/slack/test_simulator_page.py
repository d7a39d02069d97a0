"""The simulator's page shows the workspace as a person sees it, and lets them do there what they do in Slack."""

import asyncio
import base64
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import FilePayload, Locator, Page, expect
from slack_bolt.async_app import AsyncApp

from tests.browser import opened
from tests.simulators.slack.app import App
from tests.simulators.slack.client import SlackPeople
from tests.slack import stock

pytestmark = pytest.mark.browser
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
ANSWER = "# Four\n\n**Two** and *two*, <!channel>:\n\n| a | b |\n|---|---|\n| 2 | 2 |\n\n```python\n2 + 2 < 5\n```"


def plain(text: str) -> dict[str, str]:
    return {"type": "plain_text", "text": text}


FIELD = {"type": "plain_text_input", "action_id": "why"}
FORM = {
    "type": "modal",
    "callback_id": "why",
    "title": plain("Why not?"),
    "submit": plain("Send"),
    "blocks": [{"type": "input", "block_id": "b", "label": plain("Your reason"), "element": FIELD}],
}
QUESTION: list[dict[str, Any]] = [
    {"type": "section", "text": {"type": "mrkdwn", "text": "*Shall I* look it up?"}},
    {
        "type": "actions",
        "elements": [
            {"type": "button", "action_id": "yes", "text": plain("Look it up"), "style": "primary"},
            {"type": "button", "action_id": "no", "text": plain("No"), "style": "danger"},
        ],
    },
]


class Colleague:
    """A stock app that asks, opens a form, and whispers; `heard` are the messages it got."""

    def __init__(self, simulator: dict[str, Any]) -> None:
        self.app: AsyncApp = stock.bolt(simulator)
        self.heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.app.event("message")(self._on_message)
        self.app.event("app_home_opened")(self._on_home)
        self.app.command("/assistant")(self._on_command)
        self.app.action("no")(self._on_no)
        self.app.action("yes")(self._on_yes)
        self.app.view("why")(self._on_form)

    async def _on_message(self, event: dict[str, Any]) -> None:
        await self.heard.put(event)

    async def _on_home(self) -> None: ...

    async def _on_command(self, ack: Any, command: dict[str, Any]) -> None:
        await ack(f"Only you: *{command['text']}*")

    async def _on_yes(self, ack: Any, respond: Any) -> None:
        await ack()
        await respond(text="Looking it up", replace_original=True)

    async def _on_no(self, ack: Any, body: dict[str, Any], client: Any) -> None:
        await client.views_open(trigger_id=body["trigger_id"], view=FORM)
        await ack()

    async def _on_form(self, ack: Any, view: dict[str, Any]) -> None:
        said = view["state"]["values"]["b"]["why"]["value"]
        errors = {"response_action": "errors", "errors": {"b": "Say more"}} if len(said) < 5 else {}
        await ack(**errors)


@pytest.fixture
async def colleague(simulator: dict[str, Any], slack: SlackPeople) -> AsyncIterator[Colleague]:
    manifest = App.of_manifest()
    await slack.app(scopes=[*manifest.scopes, "files:write"], events=[*manifest.events, "agent_session_stopped"])
    colleague = Colleague(simulator)

    async def on_stop() -> None: ...

    colleague.app.event("agent_session_stopped")(on_stop)
    async with stock.connected(colleague.app, slack, simulator):
        yield colleague
        await slack.give_up()
    await slack.app()


@pytest.fixture
async def page(colleague: Colleague, simulator: dict[str, Any]) -> AsyncIterator[Page]:
    """The page, opened by ada; an error in it fails the test."""
    async with opened(simulator["address"]) as page:
        yield page


async def enter(page: Page, text: str, *, label: str = "Message") -> None:
    box = page.get_by_role("textbox", name=label, exact=True)
    await box.fill(text)
    await box.press("Enter")


def last(page: Page, where: str = "#messages") -> Locator:
    return page.locator(f"{where} > li").last


async def asked(page: Page, colleague: Colleague, text: str) -> dict[str, Any]:
    """What the person asked, its thread open."""
    await enter(page, text)
    while (event := await colleague.heard.get())["text"] != text:
        pass
    await last(page).get_by_role("button", name="Reply in thread").click()
    return event


async def test_a_growing_answer_is_shown_in_its_thread_as_markdown(page: Page, colleague: Colleague) -> None:
    event = await asked(page, colleague, "what is 2 + 2?")
    where = {"channel": event["channel"], "thread_ts": event["ts"]}
    posted = await colleague.app.client.chat_postMessage(**where, markdown_text="_Thinking…_")
    answer = last(page, "#replies")
    await expect(answer.locator("i")).to_have_text("Thinking…")
    await colleague.app.client.chat_update(channel=event["channel"], ts=posted["ts"], markdown_text=ANSWER)
    await expect(answer.locator("h4")).to_have_text("Four")
    await expect(answer.locator("b").last).to_have_text("Two")
    await expect(answer.locator("td").first).to_have_text("2")
    await expect(answer.locator("pre")).to_have_text("2 + 2 < 5")
    await expect(answer.locator(".mention")).to_have_text("@channel")
    await expect(last(page).get_by_role("button", name="1 reply")).to_be_visible()
    await enter(page, "thanks", label="Reply in the thread")
    await expect(last(page, "#replies")).to_contain_text("thanks")


async def test_the_recipient_sees_a_streams_text_and_steps_and_can_stop_it(page: Page, colleague: Colleague) -> None:
    event = await asked(page, colleague, "a long story please")
    where: dict[str, Any] = {"channel": event["channel"], "thread_ts": event["ts"]}
    stream = await colleague.app.client.chat_stream(
        **where, recipient_team_id="T0THREAD", recipient_user_id=event["user"], buffer_size=1
    )
    step = {"type": "task_update", "id": "1", "title": "Reading", "status": "in_progress"}
    await stream.append(markdown_text="Once ", chunks=[step])
    shown = last(page, "#replies")
    await expect(shown).to_contain_text("◐ Reading")
    await stream.append(markdown_text="upon a time")
    await expect(shown).to_contain_text("Once upon a time")
    await page.get_by_label("You are").select_option(label="grace")
    await expect(shown).to_contain_text("Once ")
    await expect(shown).not_to_contain_text("upon a time")
    await page.get_by_label("You are").select_option(label="ada")
    await page.locator("#working").get_by_role("button", name="Stop").click()
    await expect(page.locator("#working")).to_contain_text("threadline is working…")
    await colleague.app.client.agents_sessions_setStatus(
        channel_id=event["channel"], thread_ts=event["ts"], status="active", title="A story"
    )
    await expect(page.locator("#working")).to_have_text("")
    await expect(page.locator("#thread-title")).to_have_text("A story")


async def test_a_click_on_a_button_replaces_its_message(page: Page, colleague: Colleague, slack: SlackPeople) -> None:
    general = (await slack.state()).channels[0].id
    await colleague.app.client.chat_postMessage(channel=general, text="Shall I?", blocks=QUESTION)
    await expect(last(page).locator("b", has_text="Shall I")).to_be_visible()
    await last(page).get_by_role("button", name="Look it up").click()
    await expect(last(page)).to_contain_text("Looking it up")
    await expect(last(page).get_by_role("button", name="Look it up")).to_have_count(0)


async def test_a_click_reaches_its_button_even_if_another_message_changes(
    page: Page, colleague: Colleague, slack: SlackPeople
) -> None:
    general = (await slack.state()).channels[0].id
    earlier = await colleague.app.client.chat_postMessage(channel=general, text="Earlier")
    await colleague.app.client.chat_postMessage(channel=general, text="Shall I?", blocks=QUESTION)
    await last(page).get_by_role("button", name="Look it up").hover()
    await page.mouse.down()
    await colleague.app.client.chat_postMessage(channel=general, text="Reply", thread_ts=earlier["ts"])
    await expect(page.locator("#messages > li", has_text="Earlier")).to_contain_text("1 reply")
    await page.mouse.up()
    await expect(last(page)).to_contain_text("Looking it up")


async def test_a_form_opens_shows_an_error_and_closes(page: Page, colleague: Colleague, slack: SlackPeople) -> None:
    general = (await slack.state()).channels[0].id
    await slack.settings(trigger_life=60)  # a busy machine may need more than Slack gives
    await colleague.app.client.chat_postMessage(channel=general, text="Shall I?", blocks=QUESTION)
    await last(page).get_by_role("button", name="No").click()
    form = page.get_by_role("dialog")
    await expect(form).to_contain_text("Why not?")
    await form.get_by_role("textbox").fill("no")
    await form.get_by_role("button", name="Send").click()
    await expect(form.locator(".wrong")).to_have_text("Say more")
    await form.get_by_role("textbox").fill("because")
    await form.get_by_role("button", name="Send").click()
    await expect(form).to_be_hidden()
    await slack.settings(trigger_life=3)


async def test_a_command_is_suggested_and_answered_only_to_its_author(page: Page, colleague: Colleague) -> None:
    await expect(page.get_by_role("textbox", name="Message", exact=True)).to_be_enabled()
    await page.get_by_role("textbox", name="Message", exact=True).press_sequentially("/as")
    await page.locator("#here .suggestions").get_by_role("button").click()
    await page.get_by_role("textbox", name="Message", exact=True).press_sequentially("list")
    await page.keyboard.press("Enter")
    await expect(last(page)).to_have_class("private")
    await expect(last(page)).to_contain_text("Only you: list")
    await page.get_by_label("You are").select_option(label="grace")
    await expect(page.locator("#messages > li.private")).to_have_count(0)


async def test_an_unknown_command_is_reported(page: Page) -> None:
    await enter(page, "/nothing")
    await expect(page.get_by_role("alert")).to_have_text("/nothing is not a valid command.")


async def test_people_edit_and_delete_their_messages_and_the_app_is_told(page: Page, colleague: Colleague) -> None:
    await enter(page, "tea & <scones>, @grace?")
    event = await colleague.heard.get()
    said = last(page)
    await expect(said).to_contain_text("tea & <scones>")
    await expect(said.locator(".tools")).to_have_css("opacity", "0")
    await said.hover()
    await expect(said.locator(".tools")).to_have_css("opacity", "1")
    await said.get_by_role("button", name="Edit").click()
    box = said.get_by_role("textbox", name="Edit message")
    await expect(box).to_have_value("tea & <scones>, @grace?")
    await box.fill("coffee")
    await box.press("Enter")
    changed = await colleague.heard.get()
    assert (changed["subtype"], changed["message"]["text"]) == ("message_changed", "coffee")
    await expect(said).to_contain_text("coffee")
    await expect(said).to_contain_text("(edited)")
    await said.get_by_role("button", name="Delete").click()
    deleted = await colleague.heard.get()
    assert (deleted["subtype"], deleted["deleted_ts"]) == ("message_deleted", event["ts"])
    await expect(page.locator("#messages > li", has_text="coffee")).to_have_count(0)


async def test_an_edit_continues_while_its_message_changes(page: Page, colleague: Colleague) -> None:
    await enter(page, "tea?")
    event = await colleague.heard.get()
    await last(page).get_by_role("button", name="Edit").press("Enter")
    box = page.get_by_role("textbox", name="Edit message")
    await box.fill("coff")
    await colleague.app.client.reactions_add(channel=event["channel"], timestamp=event["ts"], name="eyes")
    await colleague.app.client.chat_postMessage(channel=event["channel"], text="Hello")
    await expect(last(page)).to_contain_text("Hello")
    await expect(box).to_be_focused()
    await expect(box).to_have_value("coff")
    await box.press("Escape")
    await expect(box).to_have_count(0)
    await expect(page.locator("#messages > li", has_text="tea?").locator(".reactions")).to_have_text("👀 1")


async def test_people_edit_and_delete_only_what_they_said(page: Page, colleague: Colleague) -> None:
    await enter(page, "mine")
    event = await colleague.heard.get()
    await expect(last(page).get_by_role("button", name="Edit")).to_have_count(1)
    await page.get_by_label("You are").select_option(label="grace")
    await expect(last(page).get_by_role("button", name="Edit")).to_have_count(0)
    await expect(last(page).get_by_role("button", name="Delete")).to_have_count(0)
    await colleague.app.client.chat_postMessage(channel=event["channel"], text="the app's")
    await expect(last(page)).to_contain_text("the app's")
    await expect(last(page).locator(".tools")).to_have_text("Copy link")


async def test_a_deleted_question_leaves_the_way_to_its_replies(page: Page, colleague: Colleague) -> None:
    event = await asked(page, colleague, "a slip")
    await colleague.app.client.chat_postMessage(channel=event["channel"], thread_ts=event["ts"], text="an answer")
    await page.get_by_role("button", name="Close the thread").click()
    await last(page).get_by_role("button", name="Delete").press("Enter")
    await expect(last(page)).to_contain_text("This message was deleted.")
    await last(page).get_by_role("button", name="1 reply").click()
    await expect(last(page, "#replies")).to_contain_text("an answer")


async def test_a_copied_link_is_the_messages_permalink(page: Page, colleague: Colleague) -> None:
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    event = await asked(page, colleague, "remember this")
    await enter(page, "and this", label="Reply in the thread")
    reply = await colleague.heard.get()
    await expect(last(page, "#replies")).to_contain_text("and this")
    for where, ts in (("#messages", event["ts"]), ("#replies", reply["ts"])):
        await last(page, where).get_by_role("button", name="Copy link").press("Enter")
        await expect(last(page, where).get_by_role("button", name="Copied")).to_be_visible()
        permalink = await colleague.app.client.chat_getPermalink(channel=event["channel"], message_ts=ts)
        assert await page.evaluate("navigator.clipboard.readText()") == permalink["permalink"]


async def test_files_are_uploaded_and_displayed(page: Page, colleague: Colleague) -> None:
    notes: FilePayload = {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"milk"}
    await page.locator("#here input[type=file]").set_input_files(notes)
    await enter(page, "read this")
    event = await colleague.heard.get()
    assert event["files"][0]["name"] == "notes.txt"
    await expect(last(page).locator("a.file")).to_contain_text("notes.txt")
    await colleague.app.client.files_upload_v2(
        channel=event["channel"], content=PIXEL, filename="plot.png", alt_txt="a dot"
    )
    await expect(last(page).get_by_alt_text("a dot")).to_be_visible()
    assert await last(page).locator("img").evaluate("(image) => image.decode().then(() => image.naturalWidth)") == 1


async def test_the_messages_tab_offers_suggested_prompts(page: Page, colleague: Colleague) -> None:
    await page.get_by_role("button", name=re.compile("threadline")).click()
    await page.get_by_role("button", name="Look around").click()
    event = await colleague.heard.get()
    assert (event["channel_type"], event["text"]) == ("im", "Show me around.")
    await expect(last(page)).to_contain_text("Show me around.")


async def test_app_home_is_shown_after_it_is_published(page: Page, colleague: Colleague, slack: SlackPeople) -> None:
    ada = (await slack.state()).users[0].id
    blocks = [{"type": "header", "text": plain("Your assistants")}]
    await colleague.app.client.views_publish(user_id=ada, view={"type": "home", "blocks": blocks})
    await page.get_by_role("button", name="⌂ Home").click()
    await expect(page.locator("#home")).to_contain_text("Your assistants")
    await expect(page.locator("#here")).to_be_hidden()
