"""The page in a browser, over a bot whose every step the test decides."""

import re

import pytest
from playwright.async_api import Browser, Page, Route, expect

from adapters.web.render import html
from assistants.connector import ConnectError
from bot.segments import Notice, Text
from bot.views import AssistantChoice, Exchange, FoundEndpoint, ModelStatus
from tests.web.reading import answered, ask, exchange, grown, said, watch_growth
from tests.web.stage import StageBot, serving

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

TOUR = AssistantChoice("tour", "Tour (scripted)", "Shows around.", ready=True, chosen=True)
TUTOR = AssistantChoice("math-tutor", "Math Tutor", "Solves equations.", ready=False)
NEEDS = Notice("This assistant needs a model.", "problem", "connect_model")

EVIL = (
    "[a](javascript:window.owned=1) <javascript:window.owned=1> [b][c]\n\n[c]: javascript:window.owned=1",
    "[a](JaVa&#115;cript:window.owned=1) [b](&#1;javascript:window.owned=1) [c](vbscript:x) [d](data:text/html,x)",
    "<script>window.owned=1</script>\n\n<div onclick=window.owned=1>\n\n<img src=x onerror=window.owned=1>",
    "![a](data:image/svg+xml;base64,PHN2Zz4=) ![b](https://127.0.0.1:9/b) [![c](http://127.0.0.1:9/c)](https://e.org)",
    '![" onerror="owned=1](https://e.org) [x](https://e.org/"onclick="owned=1 \'" onclick="owned=1\')',
    '```" onclick="owned=1\n</code></pre><script>owned=1</script>\n```\n`<img src=x onerror=owned=1>`',
)
DANGERS = """(text) => [...text.querySelectorAll('*')].flatMap((node) => [
  ...(/^(P|PRE|CODE|A|BR|DIV)$/.test(node.tagName) ? [] : [node.tagName]),
  ...[...node.attributes].map((a) => a.name).filter((name) => name.startsWith('on') || name === 'style'),
  ...(node.href !== undefined && !/^(https?|mailto):/.test(node.href) ? [node.href] : [])])"""


ANNOUNCED = """() => {
  window.announced = [];
  const region = document.getElementById('announcer');
  new MutationObserver(() => window.announced.push(region.textContent)).observe(region, { childList: true });
}"""
AWAY = """(away) => {
  Object.defineProperty(document, 'hidden', { value: away, configurable: true });
  document.dispatchEvent(new Event('visibilitychange'));
}"""
SAME = """(html) => {
  const whole = document.createElement('div');
  whole.innerHTML = html;
  return document.querySelector('.segments .text').innerHTML === whole.innerHTML;
}"""


async def test_a_newcomer_sees_what_this_is_and_what_answers_today(page: Page, bot: StageBot) -> None:
    bot.choices = [TOUR, TUTOR]
    async with serving(bot) as address:
        await page.goto(address)

        await expect(page.get_by_role("heading", name="What shall we talk about?")).to_be_visible()
        await expect(page.locator("#today")).to_have_text(
            "Today Tour (scripted) can answer. Math Tutor will, once you connect a model."
        )
        await expect(page.locator("#suggestions button").first).to_contain_text("Show me around")
        await page.get_by_role("button", name="Show me around").click()
        [incoming] = await bot.messages(1)
        assert incoming.text == "Hello"
        await expect(page.locator("#welcome")).to_be_hidden()


async def test_on_a_small_screen_the_first_visit_begins_at_the_top(page: Page, bot: StageBot) -> None:
    bot.choices = [TOUR, TUTOR]
    await page.set_viewport_size({"width": 360, "height": 480})
    async with serving(bot) as address:
        await page.goto(address)
        await expect(page.locator("#suggestions button").first).to_be_visible()
        scroller = page.locator("#scroller")
        assert await scroller.evaluate("(node) => [node.scrollTop, node.scrollHeight > node.clientHeight]") == [0, True]


async def test_an_address_where_nothing_was_said_says_so_and_one_of_our_own_does_not(page: Page, bot: StageBot) -> None:
    async with serving(bot) as address:
        await page.goto(address)
        await expect(page.locator("#welcome")).to_be_visible()
        await page.reload()
        await expect(page.locator("#welcome")).to_be_visible()
        await expect(page.locator("#nothing")).to_be_hidden()
        await page.goto(f"{address}/c/web:nosuch")
        await expect(page.locator("#nothing")).to_contain_text("There is no conversation at this address")
        await page.locator("#nothing a").click()
        await expect(page.locator("#nothing")).to_be_hidden()


async def test_conversations_that_begin_alike_are_told_apart_by_their_time(page: Page, bot: StageBot) -> None:
    async with serving(bot) as address:
        for _ in range(2):
            await page.goto(address)
            await ask(page, "Hello")
        await ask(page, "Another")
        await bot.messages(3)
        await page.goto(address)
        about = page.locator("#conversations .entry-about")
        await expect(about).to_have_count(2)
        for each in await about.all_inner_texts():
            assert re.search(r"\d{1,2}:\d\d:\d\d", each)


async def test_a_conversation_is_renamed_by_keyboard_alone(page: Page, bot: StageBot) -> None:
    async with serving(bot) as address:
        await page.goto(address)
        await ask(page, "Hello <b>you</b>")
        more = page.get_by_role("button", name="Rename or delete “Hello <b>you</b>”")
        await more.focus()
        await page.keyboard.press("Enter")
        await expect(more).to_have_attribute("aria-expanded", "true")
        await page.keyboard.press("ArrowDown")
        await expect(page.get_by_role("menuitem", name="Delete")).to_be_focused()
        await page.keyboard.press("Escape")
        await expect(more).to_be_focused()
        await expect(more).to_have_attribute("aria-expanded", "false")
        await page.keyboard.press("Enter")
        await page.keyboard.press("Enter")
        name = page.get_by_role("dialog").get_by_label("Name")
        await expect(name).to_have_value("Hello <b>you</b>")
        await page.keyboard.type("Greetings")
        await page.keyboard.press("Enter")
        await expect(page.locator(".entry-title")).to_have_text("Greetings")
        await expect(page).to_have_title("Greetings · Threadline")
        await expect(page.get_by_role("button", name="Rename or delete “Greetings”")).to_be_focused()


async def test_a_conversation_is_deleted_once_that_is_confirmed_wherever_it_is_open(
    page: Page, browser: Browser, bot: StageBot
) -> None:
    async with serving(bot) as address:
        await page.goto(address)
        await ask(page, "Hello")
        await bot.messages(1)
        other = await browser.new_page()
        await other.goto(page.url)
        await other.get_by_label("Your message").fill("half a thought")
        await expect(other.locator(".exchange")).to_have_count(1)
        await page.locator(".entry").hover()
        await page.get_by_role("button", name="Rename or delete “Hello”").click()
        await page.get_by_role("menuitem", name="Delete").click()
        dialog = page.get_by_role("dialog", name="Delete this conversation?")
        await expect(dialog).to_contain_text("Hello is deleted permanently")
        await dialog.get_by_role("button", name="Cancel").click()
        await expect(page.locator(".exchange")).to_have_count(1)

        await page.locator(".entry").hover()
        await page.locator(".entry button").click()
        await page.get_by_role("menuitem", name="Delete").click()
        bot.undeletable = "An answer is still being written there."
        await dialog.get_by_role("button", name="Delete").click()
        await expect(dialog.get_by_role("status")).to_have_text(bot.undeletable)
        bot.undeletable = ""
        await dialog.get_by_role("button", name="Delete").click()
        for each in (page, other):
            await expect(each.locator(".exchange, .entry")).to_have_count(0)
            await expect(each.locator("#welcome")).to_be_visible()
            await expect(each.locator("#announcer")).to_contain_text("was deleted")
            await expect(each.get_by_label("Your message")).to_be_focused()
            await expect(each.get_by_label("Your message")).to_have_value("")
            assert await each.evaluate("Object.keys(localStorage)") == []
        await other.close()


async def test_an_answer_shows_life_then_grows_then_stands_with_its_label(page: Page, bot: StageBot) -> None:
    async with serving(bot) as address:
        await page.goto(address)
        await watch_growth(page)
        await ask(page, "Count")
        [incoming] = await bot.messages(1)
        key = incoming.place.key
        bot.show(key, status="Thinking…")
        await expect(page.locator(".status")).to_have_text("Thinking…")
        for words in ("one", "one two", "one two three"):
            bot.show(key, Text(words), Notice("often wrong"))
            await expect(page.locator(".segments .text")).to_have_text(words)
        bot.finish(key, Text("one two three four"), Notice("often wrong"))

        assert await answered(page) == "one two three four\n\noften wrong"
        assert await grown(page) == ["one", "one two", "one two three", "one two three four"]
        await expect(page.locator(".status")).to_be_hidden()
        await expect(page.locator(".who")).to_have_text("Tour (scripted)")
        await expect(page.locator("#announcer")).to_contain_text("one two three four")
        await expect(page).to_have_title("Count · Threadline")


async def test_text_stays_text(page: Page, bot: StageBot) -> None:
    evil = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
    bot.choices = [AssistantChoice("tour", evil, evil, ready=True, chosen=True)]
    async with serving(bot) as address:
        await page.goto(address)
        await ask(page, evil)
        [incoming] = await bot.messages(1)
        bot.show(incoming.place.key, status=evil, assistant=evil)
        bot.finish(incoming.place.key, Text(evil), Notice(evil))

        assert await answered(page) == f"{evil}\n\n{evil}"
        assert await page.locator("main img[src=x], main script").count() == 0
        await expect(page).to_have_title(re.compile("Threadline"))


async def test_while_an_answer_grows_the_button_stops_it_unless_something_is_typed(page: Page, bot: StageBot) -> None:
    """No way to stop."""
    async with serving(bot) as address:
        await page.goto(address)
        await expect(page.get_by_role("button", name="Send")).to_be_disabled()
        await ask(page, "Go on and on")
        [incoming] = await bot.messages(1)
        bot.show(incoming.place.key, Text("On and"))
        stop = page.get_by_role("button", name="Stop the answer")
        await expect(stop).to_be_enabled()
        box = page.get_by_label("Your message")
        await box.press("Enter")
        await box.fill("and then?")
        await expect(page.get_by_role("button", name="Send")).to_be_enabled()
        await box.fill("")
        assert bot.commands == [], "Enter in an empty box stops nothing"
        await stop.click()
        await expect(page.locator(".note")).to_have_count(0)
        [command] = bot.commands
        assert (command.text, command.place.key) == ("stop", incoming.place.key)
        bot.finish(incoming.place.key, Text("On and"), Notice("Stopped."))
        await expect(page.get_by_role("button", name="Send")).to_be_disabled()


async def test_a_screen_reader_is_told_each_sentence_once_however_the_answer_grows(page: Page, bot: StageBot) -> None:
    label = Notice("Small demo model: often wrong.")
    async with serving(bot) as address:
        await page.goto(address)
        await page.evaluate(ANNOUNCED)
        await ask(page, "Count")
        [incoming] = await bot.messages(1)
        announcer = page.locator("#announcer")
        bot.show(incoming.place.key, Text("One, **two**. Thr"), label)
        await expect(announcer).to_contain_text("One, two.")
        bot.show(incoming.place.key, Text("One, **two**. Three, four. Fi"), label)
        await expect(announcer).to_contain_text("Three, four.")
        bot.finish(incoming.place.key, Text("One, **two**. Three, four. Five."), label)
        await expect(announcer).to_contain_text("Five.")
        told = await page.evaluate("window.announced")
        assert [words.split() for words in told] == [
            ["One,", "two."],
            ["Three,", "four."],
            ["Five.", "Small", "demo", "model:", "often", "wrong."],
        ]


async def test_markdown_is_shown_as_it_is_meant_while_it_grows_and_when_it_stands(page: Page, bot: StageBot) -> None:
    whole = "## Plan\n\n- **one** `code`\n- [two](https://example.org)\n\n| a | b |\n|--:|---|\n| 1 | 2 |\n\n> said"
    async with serving(bot) as address:
        await page.goto(address)
        await ask(page, "*Plain* `question`")
        [incoming] = await bot.messages(1)
        for end in range(1, len(whole), 3):
            bot.show(incoming.place.key, Text(whole[:end]))
        await expect(page.locator(".text")).to_contain_text("two")
        await page.locator(".text strong").evaluate("(node) => { window.kept = node; }")
        bot.finish(incoming.place.key, Text(whole))
        await answered(page)
        text = page.locator(".text")

        assert await page.evaluate("document.querySelector('.text strong') === window.kept"), "a selection survives"
        await expect(text.get_by_role("heading", name="Plan", level=5)).to_be_visible()
        await expect(text.get_by_role("listitem")).to_have_text(["one code", "two"])
        await expect(text.get_by_role("cell")).to_have_text(["1", "2"])
        await expect(text.get_by_role("cell").first).to_have_css("text-align", "right")
        await expect(text.locator("blockquote")).to_have_text("said")
        link = text.get_by_role("link", name="two")
        await expect(link).to_have_attribute("href", "https://example.org")
        await expect(link).to_have_attribute("rel", "noopener noreferrer")
        assert await page.locator(".question .words").inner_text() == "*Plain* `question`"
        await expect(page.locator("#announcer")).to_contain_text("one code")
        await expect(page.locator("#announcer")).not_to_contain_text("**")


async def test_told_piece_by_piece_a_long_answer_is_what_it_would_be_as_a_whole(page: Page, bot: StageBot) -> None:
    """A page that was away in the middle of it is told it from the beginning."""
    code = "```python\n" + "".join(f"print({n})\n" for n in range(1_200)) + "```\n\n"
    some = "".join(f"## Part {n}\n\nSome **bold** words of {n}.\n\n- one\n- two\n\n" for n in range(30))
    whole = f"{some}{code}{some}| a | b |\n|---|---|\n" + "".join(f"| {n} | last |\n" for n in range(400)) + "\nThe end"
    async with serving(bot) as address:
        await page.goto(address)
        await ask(page, "Go on")
        [incoming] = await bot.messages(1)
        marks = range(2_000, len(whole), 2_000)
        for number, end in enumerate(marks):
            bot.show(incoming.place.key, Text(whole[:end]), status=str(end))
            if number == len(marks) // 2:
                await page.evaluate(AWAY, True)
                bot.show(incoming.place.key, Text(whole[: end + 100]), status=str(end))
                await page.evaluate(AWAY, False)
            await expect(page.locator(".status")).to_have_text(str(end))
        bot.show(incoming.place.key, Text(whole))
        await expect(page.locator(".text")).to_contain_text("The end")
        assert await page.evaluate(SAME, html(whole, growing=True))
        bot.finish(incoming.place.key, Text(whole))
        await answered(page)
        assert await page.evaluate(SAME, html(whole))


async def test_a_commands_answer_is_rendered_too(page: Page, bot: StageBot) -> None:
    async with serving(bot) as address:
        await page.goto(address)
        await ask(page, "/assistant use `**x**` <b>y</b> on Threadline's page")

        said = "You asked for use **x** <b>y</b> at the top of this page."
        await expect(page.locator(".note .text code")).to_have_text("**x**")
        await expect(page.locator(".note .text")).to_have_text(said)
        await expect(page.locator("#announcer")).to_have_text(said)


@pytest.mark.parametrize("evil", EVIL)
async def test_nothing_a_model_writes_runs_on_the_page(page: Page, bot: StageBot, evil: str) -> None:
    requests: list[str] = []
    async with serving(bot) as address:
        await page.goto(address)
        await ask(page, "Go on")
        [incoming] = await bot.messages(1)
        page.on("request", lambda request: requests.append(request.url))
        for end in range(1, len(evil)):
            bot.show(incoming.place.key, Text(evil[:end]))
        bot.finish(incoming.place.key, Text(evil))
        await answered(page)
        found = await page.locator(".text").evaluate(DANGERS)

        assert found == []
        assert await page.evaluate("window.owned") is None
        assert [url for url in requests if not url.startswith(address)] == []


async def test_white_space_and_long_words_are_shown_as_they_came(page: Page, bot: StageBot) -> None:
    code = "def f():\n    return 1\n\n" + "x" * 3000
    row = "| " + "y" * 600 + " | z |\n"
    async with serving(bot) as address:
        await page.goto(address)
        await page.get_by_label("Your message").fill("first")
        await page.keyboard.press("Shift+Enter")
        await page.keyboard.type("second")
        await page.keyboard.press("Enter")
        [incoming] = await bot.messages(1)
        bot.show(incoming.place.key)
        bot.finish(incoming.place.key, Text(f"```py\n{code}\n```\n\n{row}|---|---|\n{row}\n\n" + "w" * 3000))

        assert incoming.text == "first\nsecond"
        await answered(page)
        assert await page.locator(".text pre").inner_text() == f"{code}\n"
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_what_was_not_stored_stays_and_is_sent_again_as_the_same_message(page: Page, bot: StageBot) -> None:
    bot.refusing = True
    async with serving(bot) as address:
        await page.goto(address)
        await ask(page, "Keep me")
        await expect(exchange(page).locator(".delivery")).to_contain_text("could not be saved")
        await page.reload()
        await expect(exchange(page).locator(".delivery")).to_contain_text("could not be saved")
        bot.refusing = False
        await page.get_by_role("button", name="Send again").click()
        [incoming] = await bot.messages(1)
        bot.show(incoming.place.key)
        bot.finish(incoming.place.key, Text("Kept."))

        assert await answered(page) == "Kept."
        assert await said(page) == [["Keep me", "Kept."]]
        await page.reload()
        assert await answered(page) == "Kept."
        assert await said(page) == [["Keep me", "Kept."]]


async def test_a_message_whose_answer_was_lost_is_not_asked_twice(page: Page, bot: StageBot) -> None:
    """The server took it and the network lost the answer: the page asks again, with the same id."""
    lost: list[str] = []

    async def lose(route: Route) -> None:
        lost.append(str(route.request.post_data))
        if len(lost) > 1:
            await route.continue_()
        else:
            await route.fetch()
            await route.abort()

    async with serving(bot) as address:
        await page.goto(address)
        await page.route("**/messages", lose)
        await ask(page, "Once")
        [incoming] = await bot.messages(1)
        bot.show(incoming.place.key)
        bot.finish(incoming.place.key, Text("Only once."))
        await answered(page)

        assert await said(page) == [["Once", "Only once."]]
        assert len(bot.received) == 1


async def test_what_the_server_has_is_not_shown_a_second_time_as_unsent(page: Page, bot: StageBot) -> None:
    """The answer to the message was lost, its stream was down, and so is everything sent after it."""
    sent: list[str] = []

    async def lose(route: Route) -> None:
        if not sent:
            await route.fetch()
        sent.append(str(route.request.post_data))
        await route.abort()

    async with serving(bot) as address:
        await page.route("**/events", lambda route: route.abort())
        await page.route("**/messages", lose)
        await page.goto(address)
        await ask(page, "Once")
        [incoming] = await bot.messages(1)
        bot.show(incoming.place.key)
        bot.finish(incoming.place.key, Text("Only once."))
        await page.unroute("**/events")
        await page.reload()
        await answered(page, 0)

        assert await said(page) == [["Once", "Only once."]]
        await expect(page.locator(".delivery")).to_be_hidden()


async def test_while_threadline_is_away_what_is_typed_is_kept_and_sent_when_it_is_back(
    page: Page, bot: StageBot
) -> None:
    async with serving(bot) as address:
        port = int(address.rpartition(":")[2])
        await page.goto(address)
        await ask(page, "Before")
        [before] = await bot.messages(1)
        bot.show(before.place.key)
        bot.finish(before.place.key, Text("I am here."))
        await answered(page)
    await expect(page.locator("#connection")).to_contain_text("Connection lost")
    await ask(page, "Are you back?")
    await page.get_by_label("Your message").fill("half a thou")
    await expect(exchange(page).locator(".delivery")).to_contain_text("cannot be reached")

    async with serving(bot, port=port):
        _, incoming = await bot.messages(2)
        bot.show(incoming.place.key)
        bot.finish(incoming.place.key, Text("I am back."))

        assert await answered(page) == "I am back."
        assert incoming.text == "Are you back?"
        assert await said(page) == [["Before", "I am here."], ["Are you back?", "I am back."]]
        await expect(page.locator("#connection")).to_be_hidden()
        await page.reload()
        await expect(page.get_by_label("Your message")).to_have_value("half a thou")
        assert len(bot.received) == 2


async def test_a_message_refused_during_shutdown_is_sent_once_by_the_page_when_threadline_is_back(
    page: Page, bot: StageBot
) -> None:
    """Told only to send it again, a person would send it twice."""
    async with serving(bot) as address:
        port = int(address.rpartition(":")[2])
        await page.goto(address)
        bot.leaving = True
        await ask(page, "Are you there?")
        delivery = exchange(page).locator(".delivery")
        await expect(delivery).to_contain_text("Threadline is restarting. Your message will be sent when it is back.")
        await page.get_by_role("button", name="Send again").click()
        await expect(delivery).to_contain_text("Threadline is restarting.")
    bot.leaving = False
    async with serving(bot, port=port):
        [incoming] = await bot.messages(1)
        bot.show(incoming.place.key)
        bot.finish(incoming.place.key, Text("I am back."))
        assert await answered(page) == "I am back."
        assert await said(page) == [["Are you there?", "I am back."]]
        assert len(bot.received) == 1


async def test_messages_typed_in_a_burst_become_one_exchange_in_order(page: Page, bot: StageBot) -> None:
    async with serving(bot) as address:
        await page.goto(address)
        await ask(page, "One")
        await bot.messages(1)
        await ask(page, "Two")
        received = await bot.messages(2)
        await expect(page.locator(".exchange")).to_have_count(2)
        assert [question for question, _ in await said(page)] == ["One", "Two"]
        key = received[0].place.key
        bot.collect(key)
        bot.show(key)
        bot.finish(key, Text("Both."))

        await answered(page)
        assert await said(page) == [["One\n\nTwo", "Both."]]


async def test_every_message_keeps_its_question_and_answer_however_waiting_messages_are_grouped(
    page: Page, bot: StageBot
) -> None:
    """Messages that were shown as one are then answered one by one, and the other way round."""
    questions = [f"Message {number}" for number in range(6)]
    async with serving(bot) as address:
        await page.goto(address)
        for number, question in enumerate(questions, 1):
            await ask(page, question)
            received = await bot.messages(number)
        key = received[0].place.key
        expected: list[list[str]] = []
        for sizes in ([1, 5], [1, 3, 1], [2, 2], [1, 1], [1]):
            bot.collect(key, *sizes)
            bot.show(key, Text("I see"))
            asked, questions = "\n\n".join(questions[: sizes[0]]), questions[sizes[0] :]
            await expect(page.locator(".exchange")).to_have_count(len(expected) + len(sizes))
            bot.finish(key, Text(f"I answer {asked}"))
            expected.append([asked, f"I answer {asked}"])
        await answered(page)
    assert await said(page) == expected


async def test_too_long_a_message_is_refused_before_it_is_sent(page: Page, bot: StageBot) -> None:
    async with serving(bot) as address:
        await page.goto(address)
        await ask(page, "x" * 100_001)

        await expect(page.get_by_role("alert")).to_contain_text("100,001 characters; the limit is 100,000")
        await expect(page.get_by_label("Your message")).to_have_value("x" * 100_001)
        assert bot.received == []


async def test_a_command_is_answered_by_a_private_line(page: Page, bot: StageBot) -> None:
    async with serving(bot) as address:
        await page.goto(address)
        await page.get_by_label("Your message").press_sequentially("/a")
        await page.get_by_role("option", name="/assistant list").click()
        await page.keyboard.press("Enter")

        note = page.locator(".note")
        await expect(note).to_contain_text("You asked for list.")
        await expect(note).to_contain_text("Only you see this.")
        first = page.url
        await ask(page, "/assistant new")
        await expect(page.locator(".note")).to_have_text(re.compile("A new conversation."))
        assert page.url != first
        await page.go_back()
        await expect(page).to_have_url(first)
        assert bot.received == []


async def test_the_commands_are_chosen_by_keyboard(page: Page, bot: StageBot) -> None:
    async with serving(bot) as address:
        await page.goto(address)
        field, menu = page.get_by_label("Your message"), page.get_by_role("listbox", name="Commands")
        chosen = menu.locator("[aria-selected=true]")
        await field.press_sequentially("/")
        await expect(chosen).to_contain_text("/assistant list")
        await field.press("ArrowDown")
        await expect(chosen).to_contain_text("/assistant use")
        await expect(field).to_have_attribute("aria-activedescendant", str(await chosen.get_attribute("id")))
        await field.press("ArrowUp")
        await field.press("ArrowUp")
        await expect(chosen).to_contain_text("/assistant new")
        await field.press("ArrowDown")
        await field.press("ArrowDown")
        await field.press("Tab")
        await expect(field).to_have_value("/assistant use ")
        await expect(field).to_be_focused()
        await expect(menu).to_be_hidden()

        await field.fill("/")
        await field.press("Escape")
        await expect(menu).to_be_hidden()
        await field.press("Enter")
        await expect(menu).to_be_visible()
        await expect(field).to_have_value("/")
        await field.press("Enter")
        await expect(field).to_have_value("/assistant list")
        assert (bot.received, bot.commands) == ([], [])
        await field.press("Enter")
        await expect(page.locator(".note")).to_contain_text("You asked for list.")
        assert bot.received == []


async def test_an_unknown_command_is_not_sent_unless_a_space_precedes_it(page: Page, bot: StageBot) -> None:
    async with serving(bot) as address:
        await page.goto(address)
        field = page.get_by_label("Your message")
        for typed, command in (("/foo bar", "/foo"), ("/assistants list", "/assistants"), ("/Quit", "/Quit")):
            await ask(page, typed)
            await expect(page.get_by_text(f"There is no command {command}. Type / to see all commands")).to_be_visible()
            await expect(field).to_have_value(typed)
        assert (bot.received, bot.commands) == ([], [])
        for number, typed in enumerate((" /foo bar", "/etc/passwd", "/2 is a half"), 1):
            await ask(page, typed)
            assert (await bot.messages(number))[-1].text.strip() == typed.strip()


async def test_the_picker_works_by_keyboard(page: Page, bot: StageBot) -> None:
    bot.choices = [TOUR, TUTOR]
    async with serving(bot) as address:
        await page.goto(address)
        picker = page.get_by_role("button", name="Assistant: Tour (scripted)")
        await picker.press("Enter")
        await expect(page.get_by_role("option", name="Tour (scripted)")).to_be_focused()
        await page.keyboard.press("ArrowDown")
        tutor = page.get_by_role("option", name="Math Tutor needs a model")
        await expect(tutor).to_be_focused()
        await page.keyboard.press("Enter")

        await expect(page.locator(".note")).to_contain_text("You asked for use math-tutor.")
        await expect(picker).to_be_focused()
        await picker.press("Enter")
        await page.keyboard.press("Escape")
        await expect(page.locator("#choices")).to_be_hidden()


async def test_the_card_offers_what_runs_here_and_connects_with_one_click(page: Page, bot: StageBot) -> None:
    assert bot.desk is not None
    bot.desk.found = [FoundEndpoint("Ollama", "http://127.0.0.1:11434/v1", ("llama3.2", "qwen3"))]
    bot.desk.keyless = True
    async with serving(bot) as address:
        await page.goto(address)
        await page.get_by_role("button", name="Connect a model").click()
        card = page.get_by_role("dialog")
        await card.get_by_role("button", name="qwen3").click()

        await expect(card.locator(".outcome")).to_have_text("Connected: qwen3 answers.")
        await page.keyboard.press("Escape")
        await expect(page.locator("#model")).to_have_text("qwen3")
        await expect(page.locator("#model")).to_have_attribute("title", "qwen3 at 127.0.0.1:11434")


async def test_the_card_under_an_answer_says_the_exact_sentence_and_then_asks_again(page: Page, bot: StageBot) -> None:
    async with serving(bot) as address:
        await page.goto(address)
        await ask(page, "3x + 11 = 14?")
        [incoming] = await bot.messages(1)
        bot.show(incoming.place.key, assistant="Math Tutor")
        bot.finish(incoming.place.key, NEEDS)
        card = exchange(page).locator("form.card")
        await card.get_by_label("Address").fill("http://127.0.0.1:9/v1")
        await card.get_by_label("Key").fill("sk-wrong")
        await card.get_by_label("Model").fill("m")
        await card.get_by_role("button", name="Try and connect").click()
        await expect(card.locator(".outcome")).to_have_text("The endpoint refused the key; check that it is complete.")
        await card.get_by_label("Key").fill("sk-right")
        await card.get_by_label("Key").press("Enter")

        await expect(card.locator(".outcome")).to_have_text("Connected: m answers.")
        await expect(card.get_by_label("Key")).to_have_value("")
        assert "sk-right" not in await page.content()
        await card.get_by_role("button", name="Ask again").click()
        assert [message.text for message in await bot.messages(2)] == ["3x + 11 = 14?"] * 2


async def test_the_demo_models_download_is_seen(page: Page, bot: StageBot) -> None:
    assert bot.desk is not None
    async with serving(bot) as address:
        await page.goto(address)
        await expect(page.locator("#download")).to_be_hidden()
        await bot.desk.set(ModelStatus(connected=False, demo="fetching", demo_done=49_000_000, demo_total=98_000_000))
        await expect(page.get_by_text("Downloading the small demo model (once): 49 of 98 MB")).to_be_visible()
        assert await page.locator("#bytes").evaluate("(bar) => bar.value") == 0.5
        await bot.desk.set(ModelStatus(connected=False, demo="ready"))
        await expect(page.locator("#download")).to_be_hidden()


async def test_a_reader_who_scrolled_back_is_left_there(page: Page, bot: StageBot) -> None:
    async with serving(bot) as address:
        await page.goto(address)
        await ask(page, "Long")
        [incoming] = await bot.messages(1)
        bot.show(incoming.place.key, Text("line\n" * 200))
        await expect(page.locator(".text")).to_contain_text("line")
        await page.locator("#scroller").evaluate("(main) => { main.scrollTop = 0; }")
        await expect(page.get_by_role("button", name="Jump to the latest")).to_be_visible()
        bot.finish(incoming.place.key, Text("line\n" * 400))
        await answered(page)

        assert await page.locator("#scroller").evaluate("(main) => main.scrollTop") == 0
        await page.get_by_role("button", name="Jump to the latest").click()
        await expect(page.get_by_role("button", name="Jump to the latest")).to_be_hidden()


async def test_a_phone_shows_everything_and_opens_the_list_as_a_drawer(browser: Browser, bot: StageBot) -> None:
    bot.choices = [TOUR, TUTOR]
    async with serving(bot) as address:
        page = await browser.new_page(viewport={"width": 360, "height": 640}, has_touch=True)
        await page.goto(address)
        await ask(page, "Hello")
        [incoming] = await bot.messages(1)
        bot.show(incoming.place.key)
        bot.finish(incoming.place.key, NEEDS)
        await expect(exchange(page).locator("form.card")).to_be_visible()

        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        await page.get_by_role("button", name="Conversations", exact=True).tap()
        await page.get_by_role("link", name="New conversation").tap()
        await expect(page.get_by_role("heading", name="What shall we talk about?")).to_be_visible()
        await page.get_by_role("button", name="Conversations", exact=True).tap()
        await page.get_by_role("link", name="Hello").tap()
        await expect(page.locator(".question .words")).to_have_text("Hello")
        await page.close()


async def test_an_assistants_server_that_is_away_is_named_until_it_is_back(page: Page, bot: StageBot) -> None:
    read = bot.transcript

    async def unreachable(key: str, *, limit: int = 50) -> list[Exchange]:
        raise ConnectError("assistants.example.org cannot be reached.")

    bot.transcript = unreachable  # type: ignore[method-assign]
    async with serving(bot) as address:
        await page.goto(address)
        await expect(page.locator("#connection")).to_have_text("assistants.example.org cannot be reached.")
        bot.transcript = read  # type: ignore[method-assign]
        await expect(page.locator("#connection")).to_be_hidden()
        await expect(page.locator("#welcome")).to_be_visible()


async def test_a_wrong_address_says_so(page: Page, bot: StageBot) -> None:
    async with serving(bot) as address:
        await page.goto(f"{address}/c/slack:T1")

        await expect(page.locator("#connection")).to_contain_text("This is not the key of a conversation")


async def test_a_tab_that_nobody_sees_holds_no_connection(page: Page, bot: StageBot) -> None:
    """A browser allows six connections to a host; seven forgotten tabs must not silence the eighth."""
    async with serving(bot) as address:
        await page.goto(address)
        await expect(page.locator("#model")).to_be_visible()
        await page.evaluate(
            "() => { Object.defineProperty(document, 'hidden', { value: true, configurable: true });"
            " document.dispatchEvent(new Event('visibilitychange')); }"
        )
        await bot.left.wait()
        await page.evaluate(
            "() => { Object.defineProperty(document, 'hidden', { value: false });"
            " document.dispatchEvent(new Event('visibilitychange')); }"
        )
        await ask(page, "Awake?")
        [incoming] = await bot.messages(1)
        bot.show(incoming.place.key)
        bot.finish(incoming.place.key, Text("Yes."))

        assert await answered(page) == "Yes."
