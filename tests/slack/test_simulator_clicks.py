"""What people press in the simulated Slack: commands, buttons, pickers, forms. A stock Bolt app judges."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.webhook.async_client import AsyncWebhookClient

from tests.simulators.slack.client import SlackPeople
from tests.simulators.slack.records import View
from tests.slack import stock


class Desk:
    """A stock app with a listener for everything that can be pressed; `seen` is what they got, `gate` holds them up."""

    def __init__(self, app: AsyncApp, user: str, channel: str) -> None:
        self.app, self.user, self.channel = app, user, channel
        self.seen: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.answer: dict[str, Any] = {}
        self.gate = asyncio.Event()
        self.gate.set()
        for wire in (app.command, app.action, app.view, app.view_closed, app.shortcut, app.options):
            wire(_ANY)(self._on)

    async def _on(self, ack: Any, body: dict[str, Any]) -> None:
        await self.seen.put(body)
        await self.gate.wait()
        await ack(**self.answer)

    async def post(self, *elements: dict[str, Any], **more: Any) -> str:
        """A message with these elements; returns its ts."""
        blocks = [{"type": "actions", "elements": list(elements)}]
        posted = await self.app.client.chat_postMessage(channel=self.channel, text="choose", blocks=blocks, **more)
        return str(posted["ts"])


_ANY = re.compile("")


def button(action_id: str, **more: Any) -> dict[str, Any]:
    return {"type": "button", "action_id": action_id, "text": plain("Press"), "value": "v", **more}


def plain(text: str) -> dict[str, str]:
    return {"type": "plain_text", "text": text}


def option(value: str) -> dict[str, Any]:
    return {"text": plain(value.upper()), "value": value}


def form(**more: Any) -> dict[str, Any]:
    field = {
        "type": "input",
        "block_id": "q",
        "label": plain("Question"),
        "element": {"type": "plain_text_input", "action_id": "question"},
    }
    return {
        "type": "modal",
        "callback_id": "ask",
        "title": plain("Ask"),
        "submit": plain("Send"),
        "private_metadata": "kept",
        "blocks": [field],
        **more,
    }


@pytest.fixture
async def desk(slack: SlackPeople, simulator: dict[str, Any]) -> AsyncIterator[Desk]:
    app = stock.bolt(simulator)

    async def on_message() -> None: ...

    app.event("message")(on_message)
    desk = Desk(app, await slack.user("ada"), await slack.channel("clicks"))
    async with stock.connected(app, slack, simulator):
        yield desk
        await slack.clock(rate=1)
        await slack.give_up()


async def test_a_command_is_answered_by_its_acknowledgement_and_by_its_response_url(
    slack: SlackPeople, desk: Desk
) -> None:
    desk.answer = {"text": "at once"}
    assert await slack.command(desk.user, desk.channel, "/assistant", "list") == "at once"
    body = await desk.seen.get()
    assert (body["command"], body["text"], body["user_id"]) == ("/assistant", "list", desk.user)
    later = AsyncWebhookClient(body["response_url"])
    assert (await later.send(text="later, for you")).status_code == 200
    assert (await later.send(text="later, for all", response_type="in_channel")).status_code == 200
    now = await slack.state()
    assert [one.text for one in now.whispers if one.channel == desk.channel] == ["at once", "later, for you"]
    assert [one.text for one in now.messages if one.channel == desk.channel] == ["later, for all"]


async def test_a_command_fails_after_three_seconds_without_an_answer(slack: SlackPeople, desk: Desk) -> None:
    desk.gate.clear()
    await slack.clock(rate=0)
    giving = asyncio.create_task(slack.command(desk.user, desk.channel, "/assistant"))
    await slack.until(lambda now: bool(now.deliveries[-1].attempts) and now.deliveries[-1].event == "/assistant")
    await slack.clock(advance=3)
    assert "did not respond" in await giving
    desk.gate.set()


async def test_a_response_url_works_five_times_within_thirty_minutes(slack: SlackPeople, desk: Desk) -> None:
    await slack.clock(rate=0)
    for _ in range(2):
        await slack.command(desk.user, desk.channel, "/assistant", "list")
    first, second = [AsyncWebhookClient((await desk.seen.get())["response_url"]) for _ in range(2)]
    assert [(await first.send(text=str(n))).status_code for n in range(6)] == [200] * 5 + [404]
    await slack.clock(advance=1801)
    expired = await second.send(text="late")
    assert (expired.status_code, "expired_url" in expired.body) == (404, True)


async def test_a_click_names_its_button_message_and_person(slack: SlackPeople, desk: Desk) -> None:
    root = await slack.say(desk.user, desk.channel, "hello")
    ts = await desk.post(button("stop", value="turn-1"), thread_ts=root)
    assert await slack.click(desk.user, "stop", channel=desk.channel, ts=ts)
    body = await desk.seen.get()
    assert body["container"] == {
        "type": "message",
        "message_ts": ts,
        "channel_id": desk.channel,
        "is_ephemeral": False,
        "thread_ts": root,
    }
    (action,) = body["actions"]
    assert (action["action_id"], action["value"], action["type"]) == ("stop", "turn-1", "button")
    assert (body["user"]["id"], body["message"]["ts"]) == (desk.user, ts)


async def test_a_clicked_message_can_be_replaced_and_deleted(slack: SlackPeople, desk: Desk) -> None:
    ts = await desk.post(button("approve"))
    await slack.click(desk.user, "approve", channel=desk.channel, ts=ts)
    answer = AsyncWebhookClient((await desk.seen.get())["response_url"])
    await answer.send(text="Approved", replace_original=True)
    (message,) = [one for one in (await slack.state()).messages if one.ts == ts]
    assert (message.text, message.blocks) == ("Approved", [])
    await answer.send(delete_original=True)
    assert [one for one in (await slack.state()).messages if one.ts == ts] == []


async def test_buttons_work_in_ephemeral_messages_which_can_be_replaced(slack: SlackPeople, desk: Desk) -> None:
    blocks = [{"type": "actions", "elements": [button("pick")]}]
    posted = await desk.app.client.chat_postEphemeral(channel=desk.channel, user=desk.user, text="psst", blocks=blocks)
    ts = str(posted["message_ts"])
    assert await slack.click(desk.user, "pick", channel=desk.channel, ts=ts)
    body = await desk.seen.get()
    assert (body["container"]["is_ephemeral"], "message" in body) == (True, False)
    answer = AsyncWebhookClient(body["response_url"])
    await answer.send(text="picked", replace_original=True)
    assert [one.text for one in (await slack.state()).whispers if one.ts == ts] == ["picked"]
    await answer.send(delete_original=True)
    assert [one for one in (await slack.state()).whispers if one.ts == ts] == []


async def test_every_kind_of_select_sends_its_choice(slack: SlackPeople, desk: Desk) -> None:
    options = [option("a"), option("b")]
    select = {"type": "static_select", "action_id": "one", "placeholder": plain("Pick"), "options": options}
    boxes = {"type": "checkboxes", "action_id": "many", "options": options}
    menu = {"type": "overflow", "action_id": "menu", "options": options}
    ts = await desk.post(select, boxes, menu)
    for action_id, value in (("one", "b"), ("many", ["a", "b"]), ("menu", "a")):
        await slack.click(desk.user, action_id, value=value, channel=desk.channel, ts=ts)
    got = [(await desk.seen.get())["actions"][0] for _ in range(3)]
    assert got[0]["selected_option"]["value"] == "b"
    assert [one["value"] for one in got[1]["selected_options"]] == ["a", "b"]
    assert got[2]["selected_option"]["text"]["text"] == "A"
    with pytest.raises(LookupError, match="no option 'c'"):
        await slack.click(desk.user, "one", value="c", channel=desk.channel, ts=ts)
    with pytest.raises(LookupError, match="nothing with the action_id 'other'"):
        await slack.click(desk.user, "other", channel=desk.channel, ts=ts)


async def test_an_external_select_asks_the_app_while_a_person_types(slack: SlackPeople, desk: Desk) -> None:
    picker = {"type": "external_select", "action_id": "who", "placeholder": plain("Who"), "min_query_length": 2}
    ts = await desk.post(picker)
    desk.answer = {"options": [option("tour")]}
    assert await slack.suggest(desk.user, "who", "t", channel=desk.channel, ts=ts) == []
    options = await slack.suggest(desk.user, "who", "to", channel=desk.channel, ts=ts)
    body = await desk.seen.get()
    assert (body["type"], body["action_id"], body["value"]) == ("block_suggestion", "who", "to")
    desk.answer = {}
    await slack.click(desk.user, "who", value=options[0], channel=desk.channel, ts=ts)
    assert (await desk.seen.get())["actions"][0]["selected_option"]["value"] == "tour"


async def test_feedback_is_a_click_with_one_of_two_values(slack: SlackPeople, desk: Desk) -> None:
    pair = {
        "type": "feedback_buttons",
        "action_id": "feedback",
        "positive_button": {"text": plain("Good"), "value": "up"},
        "negative_button": {"text": plain("Bad"), "value": "down"},
    }
    posted = await desk.app.client.chat_postMessage(
        channel=desk.channel, text="answer", blocks=[{"type": "context_actions", "elements": [pair]}]
    )
    await slack.click(desk.user, "feedback", value="up", channel=desk.channel, ts=str(posted["ts"]))
    (action,) = (await desk.seen.get())["actions"]
    assert (action["type"], action["value"]) == ("feedback_buttons", "up")


async def opened(slack: SlackPeople, desk: Desk, **more: Any) -> View:
    """A form that a shortcut opened."""
    await slack.shortcut(desk.user, "ask")
    trigger = (await desk.seen.get())["trigger_id"]
    view = await desk.app.client.views_open(trigger_id=trigger, view=form(**more))
    return next(one for one in (await slack.state()).views if one.id == view["view"]["id"])


async def test_a_form_is_opened_filled_in_and_sent(slack: SlackPeople, desk: Desk) -> None:
    view = await opened(slack, desk)
    with pytest.raises(LookupError, match="question must be filled in"):
        await slack.submit(desk.user, view.id)
    desk.answer = {"response_action": "errors", "errors": {"q": "too short"}}
    assert await slack.submit(desk.user, view.id, question="?") == {"q": "too short"}
    await desk.seen.get()
    desk.answer = {}
    assert await slack.submit(desk.user, view.id, question="Why?") == {}
    body = await desk.seen.get()
    assert body["view"]["state"]["values"]["q"]["question"]["value"] == "Why?"
    assert (body["view"]["private_metadata"], body["view"]["callback_id"]) == ("kept", "ask")
    assert view.id not in {one.id for one in (await slack.state()).views}


async def test_a_trigger_opens_one_form_within_three_seconds(slack: SlackPeople, desk: Desk) -> None:
    await slack.clock(rate=0)
    await slack.shortcut(desk.user, "ask")
    await slack.shortcut(desk.user, "ask")
    first, second = [(await desk.seen.get())["trigger_id"] for _ in range(2)]
    await desk.app.client.views_open(trigger_id=first, view=form())
    await slack.clock(advance=4)
    for trigger, code in ((first, "exchanged_"), (second, "expired_"), ("made-up", "invalid_")):
        with pytest.raises(SlackApiError, match=f"{code}trigger_id"):
            await desk.app.client.views_open(trigger_id=trigger, view=form())


async def test_forms_can_be_stacked_updated_and_closed(slack: SlackPeople, desk: Desk) -> None:
    view = await opened(slack, desk, notify_on_close=True)
    desk.answer = {"response_action": "push", "view": form(callback_id="second")}
    await slack.submit(desk.user, view.id, question="a")
    await desk.seen.get()
    mine = [one for one in (await slack.state()).views if one.user == desk.user and one.type == "modal"]
    assert [one.view["callback_id"] for one in mine] == ["ask", "second"]
    changed = await desk.app.client.views_update(view_id=view.id, hash=view.hash, view=form(callback_id="changed"))
    assert changed["view"]["hash"] != view.hash
    with pytest.raises(SlackApiError, match="hash_conflict"):
        await desk.app.client.views_update(view_id=view.id, hash=view.hash, view=form())
    desk.answer = {"response_action": "clear"}
    await slack.submit(desk.user, mine[-1].id, question="b")
    assert [one for one in (await slack.state()).views if one.user == desk.user] == []


async def test_app_home_can_be_published_and_clicked(slack: SlackPeople, desk: Desk) -> None:
    home = {"type": "home", "blocks": [{"type": "actions", "elements": [button("start")]}]}
    for _ in range(2):
        view = (await desk.app.client.views_publish(user_id=desk.user, view=home))["view"]
    assert len([one for one in (await slack.state()).views if one.user == desk.user]) == 1
    await slack.click(desk.user, "start", view_id=view["id"])
    assert (await desk.seen.get())["container"] == {"type": "view", "view_id": view["id"]}


async def test_a_message_shortcut_includes_its_message(slack: SlackPeople, desk: Desk) -> None:
    ts = await slack.say(desk.user, desk.channel, "look at this")
    assert await slack.message_action(desk.user, desk.channel, ts, "ask")
    body = await desk.seen.get()
    assert (body["type"], body["callback_id"], body["message"]["text"]) == ("message_action", "ask", "look at this")


@pytest.mark.parametrize(
    ("blocks", "why"),
    [
        ([{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}], "3000"),
        ([{"type": "divider"}] * 51, "more than 50 blocks"),
        ([{"type": "dance"}], "unknown block type"),
        ([{"type": "markdown", "text": "x" * 7000}] * 2, "12,000"),
        ([{"type": "actions", "elements": [button("a", value="x" * 2001)]}], "2000"),
    ],
)
async def test_blocks_that_slack_would_refuse_are_refused(desk: Desk, blocks: list[dict[str, Any]], why: str) -> None:
    with pytest.raises(SlackApiError, match="invalid_blocks") as refused:
        await desk.app.client.api_call(
            "chat.postMessage", json={"channel": desk.channel, "text": "x", "blocks": blocks}
        )
    assert why in refused.value.response["response_metadata"]["messages"][0]
