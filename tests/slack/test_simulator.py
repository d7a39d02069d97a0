"""The simulator speaks what the real Bolt understands, and refuses what Slack refuses."""

import asyncio
import pkgutil
from collections.abc import AsyncIterator
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.conftest import Facts
from tests.simulators.slack.client import SlackPeople
from tests.simulators.slack.facts import PINNED
from tests.slack import stock


@pytest.fixture
def web(simulator: dict[str, Any]) -> AsyncWebClient:
    return stock.web_client(simulator)


@pytest.fixture
async def seen(simulator: dict[str, Any], slack: SlackPeople) -> AsyncIterator["asyncio.Queue[dict[str, Any]]"]:
    """Every event body that a plain Bolt app receives."""
    bodies: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    app = stock.bolt(simulator)

    async def on_any(body: dict[str, Any]) -> None:
        await bodies.put(body)

    for kind in ("message", "app_mention", "app_home_opened"):
        app.event(kind)(on_any)
    async with stock.connected(app, slack, simulator):
        yield bodies


async def test_a_mention_in_a_channel_arrives_twice(slack: SlackPeople, seen: "asyncio.Queue[dict[str, Any]]") -> None:
    ada, channel = await slack.user("ada"), await slack.channel("twins")
    ts = await slack.say(ada, channel, "@threadline hello")
    bodies = [await seen.get(), await seen.get()]
    assert {body["event"]["type"] for body in bodies} == {"message", "app_mention"}
    assert {body["event"]["ts"] for body in bodies} == {ts}
    assert len({body["event_id"] for body in bodies}) == 2


async def test_a_fresh_message_in_the_messages_tab_has_no_thread(
    slack: SlackPeople, seen: "asyncio.Queue[dict[str, Any]]"
) -> None:
    grace = await slack.user("grace")
    dm = await slack.dm(grace)
    await slack.say(grace, dm, "hello & <hi>")
    event = (await seen.get())["event"]
    assert (event["channel_type"], event["text"]) == ("im", "hello &amp; &lt;hi&gt;")
    assert "thread_ts" not in event
    await slack.open_home(grace)
    assert (await seen.get())["event"]["tab"] == "messages"


async def test_every_event_is_acknowledged_and_an_unhandled_one_is_sent_again(
    slack: SlackPeople, seen: "asyncio.Queue[dict[str, Any]]"
) -> None:
    await slack.settings(ack_timeout=0.2, retry_delays=[0.01])
    handled = await slack.event({"type": "app_home_opened", "user": "U1", "channel": "D1", "event_ts": "1.1"})
    unhandled = await slack.event({"type": "team_join", "user": "U1", "event_ts": "1.2"})
    now = await slack.until(lambda now: any(d.gave_up for d in now.deliveries))
    by_id = {delivery.event_id: delivery for delivery in now.deliveries}
    assert by_id[handled].acked_at is not None
    assert by_id[unhandled].acked_at is None
    assert len(by_id[unhandled].attempts) == 2
    await slack.settings(ack_timeout=3, retry_delays=[0.1, 60, 300])


@pytest.mark.parametrize("reason", ["refresh_requested", "drop"])
async def test_the_app_reconnects_after_a_disconnect(
    slack: SlackPeople, seen: "asyncio.Queue[dict[str, Any]]", reason: str
) -> None:
    opened = len([call for call in (await slack.state()).calls if call.method == "apps.connections.open"])
    await slack.disconnect(reason)
    await slack.until(
        lambda now: (
            now.sockets == 1 and len([c for c in now.calls if c.method == "apps.connections.open"]) == opened + 1
        )
    )
    ada, channel = await slack.user("ada"), await slack.channel(f"after-{reason}")
    await slack.say(ada, channel, "still there?")
    assert (await seen.get())["event"]["text"] == "still there?"


async def test_wrong_tokens_and_missing_scopes_are_refused(
    slack: SlackPeople, simulator: dict[str, Any], web: AsyncWebClient
) -> None:
    for token, error in (("xoxb-other", "invalid_auth"), (simulator["app_token"], "not_allowed_token_type")):
        with pytest.raises(SlackApiError, match=error):
            await AsyncWebClient(token=token, base_url=simulator["api"]).auth_test()
    await slack.app(scopes=["channels:history"])
    with pytest.raises(SlackApiError, match="missing_scope"):
        await web.chat_postMessage(channel="C1", text="hello")
    await slack.app()


async def test_slacks_message_limits_are_enforced(slack: SlackPeople, web: AsyncWebClient) -> None:
    channel = await slack.channel("limits")
    with pytest.raises(SlackApiError, match="msg_too_long"):
        await web.chat_postMessage(channel=channel, markdown_text="x" * 12_001)
    with pytest.raises(SlackApiError, match="markdown_text_conflict"):
        await web.chat_postMessage(channel=channel, markdown_text="x", text="x")
    with pytest.raises(SlackApiError, match="no_text"):
        await web.api_call("chat.postMessage", json={"channel": channel, "text": ""})
    posted = await web.chat_postMessage(channel=channel, markdown_text="x" * 12_000)
    with pytest.raises(SlackApiError, match="msg_too_long"):
        await web.chat_update(channel=channel, ts=posted["ts"], text="x" * 4_001)
    with pytest.raises(SlackApiError, match="not_in_channel"):
        await web.chat_postMessage(channel=await slack.channel("elsewhere", has_bot=False), text="x")


async def test_metadata_survives_an_update_and_is_returned_on_request(slack: SlackPeople, web: AsyncWebClient) -> None:
    ada, channel = await slack.user("ada"), await slack.channel("metadata")
    root = await slack.say(ada, channel, "question")
    mark = {"event_type": "mark", "event_payload": {"n": 1}}
    for _ in range(3):
        posted = await web.chat_postMessage(channel=channel, thread_ts=root, text="a", metadata=mark)
        await web.chat_update(channel=channel, ts=posted["ts"], text="b")
    plain = await web.conversations_replies(channel=channel, ts=root)
    assert all("metadata" not in message for message in plain["messages"])
    page = await web.conversations_replies(channel=channel, ts=root, include_all_metadata=True, limit=2)
    assert [message.get("metadata") for message in page["messages"]] == [None, mark, mark]
    cursor = page["response_metadata"]["next_cursor"]
    rest = await web.conversations_replies(channel=channel, ts=root, include_all_metadata=True, cursor=cursor)
    assert [message["text"] for message in rest["messages"]] == ["question", "b"]


async def test_a_rate_limit_says_when_to_retry(slack: SlackPeople, web: AsyncWebClient) -> None:
    await slack.fault("auth.test", status=429, retry_after=7)
    with pytest.raises(SlackApiError, match="ratelimited") as refused:
        await web.auth_test()
    assert refused.value.response.headers["Retry-After"] == "7"


async def test_an_unknown_method_is_refused_and_recorded_as_a_failure(
    simulator: dict[str, Any], web: AsyncWebClient
) -> None:
    async with SlackPeople(simulator["address"]) as people:
        before = len((await people.state()).failures)
        with pytest.raises(SlackApiError, match="unknown_method"):
            await web.api_call("chat.shout")
        assert len((await people.state()).failures) == before + 1
        await people.forget_failures()


@pytest.mark.parametrize(("where", "quote"), PINNED.items())
def test_every_pinned_fact_is_in_the_fact_sheet_and_in_the_simulator(
    shared_facts: Facts, where: str, quote: str
) -> None:
    assert quote in (shared_facts / "wire.md").read_text("utf-8")
    pkgutil.resolve_name(f"tests.simulators.slack.{where}")
