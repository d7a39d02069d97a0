"""How the simulated Slack delivers: retries on its clock, sockets, signed HTTP. A stock Bolt app judges."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any

import aiohttp
import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from tests.simulators.slack.client import SlackPeople
from tests.simulators.slack.records import Delivery, State
from tests.slack import stock

EVENT = {"type": "team_join", "user": "U1", "event_ts": "1.1"}


def delivery(now: State, event_id: str) -> Delivery:
    return next(one for one in now.deliveries if one.event_id == event_id)


@pytest.fixture
async def slack(slack: SlackPeople) -> AsyncIterator[SlackPeople]:
    """Afterwards everything is as it was at first."""
    yield slack
    await slack.give_up()
    await slack.http("")
    await slack.clock(rate=1)
    await slack.app()
    await slack.settings(
        ack_timeout=3, retry_delays=[0.1, 60, 300], hourly=30_000, limits=False, socket_mode=True, message_first=False
    )


@pytest.fixture
async def bodies() -> "asyncio.Queue[Any]":
    return asyncio.Queue()


@pytest.fixture
def app(simulator: dict[str, Any], bodies: "asyncio.Queue[Any]") -> AsyncApp:
    """Hears joins, messages, mentions; answers /assistant and a button."""
    app = stock.bolt(simulator)

    async def on_event(body: dict[str, Any], request: Any) -> None:
        await bodies.put((body, {name: values[0] for name, values in request.headers.items()}))

    for kind in ("team_join", "message", "app_mention"):
        app.event(kind)(on_event)

    @app.command("/assistant")
    async def on_command(ack: Any, command: dict[str, Any]) -> None:
        await bodies.put((command, {}))
        await ack(f"You asked for {command['text']}")

    @app.action("press")
    async def on_press(ack: Any, body: dict[str, Any]) -> None:
        await bodies.put((body, {}))
        await ack()

    return app


async def test_an_unacknowledged_event_is_redelivered_at_once_after_one_and_after_five_minutes(
    slack: SlackPeople,
) -> None:
    async with raw_socket(slack) as socket:
        await slack.clock(rate=0)
        event_id = await slack.event(EVENT)
        seen = []
        for wait in (0.1, 60, 300):
            seen.append(await socket.receive_json())
            now = await slack.until(lambda now: bool(delivery(now, event_id).attempts))
            await slack.clock(advance=3)
            now = await slack.until(lambda now: len(delivery(now, event_id).reasons) == len(seen))
            assert delivery(now, event_id).due == pytest.approx(now.now + wait)
            await slack.clock(advance=wait)
        seen.append(await socket.receive_json())
        await slack.clock(advance=3)
        now = await slack.until(lambda now: delivery(now, event_id).gave_up)
    assert [one["retry_attempt"] for one in seen] == [0, 1, 2, 3]
    assert [one["retry_reason"] for one in seen] == ["", "timeout", "timeout", "timeout"]
    assert len({one["payload"]["event_id"] for one in seen}) == 1
    assert len({one["envelope_id"] for one in seen}) == 4
    attempts = delivery(now, event_id).attempts
    assert [round(later - first) for first, later in pairwise(attempts)] == [3, 63, 303]


async def test_the_clock_can_run_faster(slack: SlackPeople) -> None:
    async with raw_socket(slack) as socket:
        await slack.clock(rate=1000)
        event_id = await slack.event(EVENT)
        seen = [await socket.receive_json() for _ in range(4)]
        now = await slack.until(lambda now: delivery(now, event_id).gave_up)
    assert [one["retry_attempt"] for one in seen] == [0, 1, 2, 3]
    attempts = delivery(now, event_id).attempts
    # Seconds of Slack's clock: the real one showed a fraction of them.
    assert attempts[-1] - attempts[0] >= 3 + 3 + 60 + 3 + 300


async def test_a_lost_acknowledgement_causes_a_redelivery(
    slack: SlackPeople, simulator: dict[str, Any], app: AsyncApp, bodies: "asyncio.Queue[Any]"
) -> None:
    async with stock.connected(app, slack, simulator):
        await slack.settings(lose_acks=1)
        event_id = await slack.event(EVENT)
        (first, _), (again, headers) = await bodies.get(), await bodies.get()
        await slack.until(lambda now: delivery(now, event_id).acked_at is not None)
    assert first["event_id"] == again["event_id"] == event_id
    assert (headers["x-slack-retry-num"], headers["x-slack-retry-reason"]) == ("1", "timeout")


async def test_the_app_receives_only_subscribed_events_in_either_order(
    slack: SlackPeople, simulator: dict[str, Any], app: AsyncApp, bodies: "asyncio.Queue[Any]"
) -> None:
    ada, channel = await slack.user("ada"), await slack.channel("order", kind="group")
    async with stock.connected(app, slack, simulator):
        await slack.settings(message_first=True)
        await slack.say(ada, channel, "@threadline one")
        heard = {(await bodies.get())[0]["event"]["type"] for _ in range(2)}
        assert heard == {"message", "app_mention"}
        sent = [one.event for one in (await slack.state()).deliveries][-2:]
        assert sent == ["message", "app_mention"]
        await slack.app(events=["app_mention"])
        await slack.say(ada, channel, "@threadline two")
        assert (await bodies.get())[0]["event"]["type"] == "app_mention"
        await slack.until(lambda now: all(one.acked_at for one in now.deliveries[-3:]))
        assert bodies.empty()


async def test_over_the_hourly_limit_events_are_replaced_by_app_rate_limited(slack: SlackPeople) -> None:
    async with raw_socket(slack) as socket:
        await slack.settings(hourly=0)
        assert await slack.event(EVENT) == ""
        payload = (await socket.receive_json())["payload"]
        assert (payload["type"], payload["team_id"]) == ("app_rate_limited", "T0THREAD")
        assert payload["minute_rate_limited"] % 60 == 0


@contextlib.asynccontextmanager
async def raw_socket(slack: SlackPeople, *, expects: str = "hello") -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """A socket that acknowledges nothing by itself."""
    token = {"Authorization": "Bearer xapp-simulator"}
    async with aiohttp.ClientSession() as session:
        opened = await session.post(f"{slack.address}/api/apps.connections.open", headers=token)
        async with session.ws_connect((await opened.json())["url"]) as socket:
            assert (await socket.receive_json())["type"] == expects
            yield socket
    await slack.until(lambda now: now.sockets == 0)


async def test_each_payload_goes_to_one_of_at_most_ten_sockets(slack: SlackPeople) -> None:
    token = {"Authorization": "Bearer xapp-simulator"}
    async with aiohttp.ClientSession() as session:

        async def open_one() -> Any:
            opened = await session.post(f"{slack.address}/api/apps.connections.open", headers=token)
            return await session.ws_connect((await opened.json())["url"])

        sockets = [await open_one() for _ in range(10)]
        hellos = [await socket.receive_json() for socket in sockets]
        assert [hello["num_connections"] for hello in hellos] == list(range(1, 11))
        refused = await (await open_one()).receive_json()
        assert (refused["type"], refused["reason"]) == ("disconnect", "too_many_websockets")
        await slack.settings(retry_delays=[])
        ids = [await slack.event(EVENT) for _ in range(10)]
        got = [await socket.receive_json() for socket in sockets]
        assert sorted(one["payload"]["event_id"] for one in got) == sorted(ids)
        now = await slack.state()
        assert len({delivery(now, event_id).sockets[0] for event_id in ids}) == 10
    await slack.until(lambda now: now.sockets == 0)


@pytest.mark.parametrize("reason", ["refresh_requested", "warning", "too_many_websockets"])
async def test_a_stock_app_survives_every_reason_to_disconnect(
    slack: SlackPeople, simulator: dict[str, Any], app: AsyncApp, bodies: "asyncio.Queue[Any]", reason: str
) -> None:
    async with stock.connected(app, slack, simulator):
        opened = await opens(slack)
        await slack.disconnect(reason)
        await slack.until(lambda now: count_opens(now) == opened + 1 and now.sockets == 1)
        await slack.event(EVENT)
        assert (await bodies.get())[0]["event"]["type"] == "team_join"


async def test_without_socket_mode_no_socket_opens(slack: SlackPeople, simulator: dict[str, Any]) -> None:
    async with raw_socket(slack) as socket:
        await slack.disconnect("link_disabled")
        assert (await socket.receive_json())["reason"] == "link_disabled"
        client = AsyncWebClient(base_url=simulator["api"])
        with pytest.raises(SlackApiError, match="access_denied"):
            await client.apps_connections_open(app_token=simulator["app_token"])


async def test_a_socket_asked_to_disconnect_gets_no_more_events_and_is_closed(slack: SlackPeople) -> None:
    async with raw_socket(slack) as old:
        await slack.clock(rate=0)
        await slack.disconnect()
        assert (await old.receive_json())["type"] == "disconnect"
        event_id = await slack.event(EVENT)
        await slack.until(lambda now: delivery(now, event_id).reasons == ["no_socket"])
        await slack.clock(advance=10)
        assert (await old.receive()).type is aiohttp.WSMsgType.CLOSE


async def opens(slack: SlackPeople) -> int:
    return count_opens(await slack.state())


def count_opens(now: State) -> int:
    return len([call for call in now.calls if call.method == "apps.connections.open"])


async def test_signed_requests_are_accepted_by_bolts_own_verifier(
    slack: SlackPeople, app: AsyncApp, bodies: "asyncio.Queue[Any]"
) -> None:
    ada, channel = await slack.user("ada"), await slack.channel("http")
    blocks = [{"type": "actions", "elements": [{"type": "button", "action_id": "press", "text": plain("Press")}]}]
    async with stock.served(app) as (url, got):
        assert await slack.http(url, stock.SECRET, verify=True)
        ts = await slack.say(ada, channel, "hello")
        assert (await bodies.get())[0]["event"]["ts"] == ts
        assert (
            await slack.command(ada, channel, "/assistant", "<list> & more") == "You asked for &lt;list&gt; &amp; more"
        )
        assert (await bodies.get())[0]["channel_id"] == channel
        posted = await app.client.chat_postMessage(channel=channel, text="a button", blocks=blocks)
        assert await slack.click(ada, "press", channel=channel, ts=posted["ts"])
        body, _ = await next_of(bodies, "block_actions")
        assert body["message"]["ts"] == posted["ts"]
        assert {request.headers["content-type"] for request in got} == {
            "application/json",
            "application/x-www-form-urlencoded",
        }
        await slack.until(lambda now: all(one.acked_at or one.gave_up for one in now.deliveries))


def plain(text: str) -> dict[str, str]:
    return {"type": "plain_text", "text": text}


async def next_of(bodies: "asyncio.Queue[Any]", kind: str) -> Any:
    while (found := await bodies.get())[0]["type"] != kind:
        pass
    return found


@pytest.mark.parametrize(("secret", "age"), [("another secret", 0), (stock.SECRET, 360)])
async def test_a_wrong_secret_and_an_old_timestamp_are_refused_by_bolts_own_verifier(
    slack: SlackPeople, app: AsyncApp, bodies: "asyncio.Queue[Any]", secret: str, age: float
) -> None:
    await slack.settings(retry_delays=[])
    async with stock.served(app) as (url, got):
        assert await slack.http(url, secret, age=age, verify=True) is False
        event_id = await slack.event(EVENT)
        now = await slack.until(lambda now: delivery(now, event_id).gave_up)
        assert delivery(now, event_id).reasons == ["http_error"]
        assert bodies.empty()
        assert len(got) == 2


def answering(*answers: Response) -> tuple[Starlette, list[Request]]:
    """A request URL that gives these answers, one after the other."""
    left, got = list(answers), []

    async def endpoint(request: Request) -> Response:
        got.append(request)
        return left.pop(0)

    return Starlette(routes=[Route("/slack/events", endpoint, methods=["GET", "POST"])]), got


async def test_an_http_retry_states_its_number_and_reason(slack: SlackPeople) -> None:
    routes, got = answering(
        Response(status_code=500), RedirectResponse("/slack/events"), *loops(), PlainTextResponse("")
    )
    await slack.settings(retry_delays=[0, 0, 0])
    async with stock.serving(routes) as address:
        await slack.http(f"{address}/slack/events", stock.SECRET)
        event_id = await slack.event(EVENT)
        now = await slack.until(lambda now: delivery(now, event_id).acked_at is not None)
    assert delivery(now, event_id).reasons == ["http_error", "too_many_redirects"]
    told = [(one.headers.get("x-slack-retry-num"), one.headers.get("x-slack-retry-reason")) for one in got]
    assert told[0] == (None, None)
    assert told[1] == ("1", "http_error")
    assert told[-1] == ("2", "too_many_redirects")


def loops() -> list[Response]:
    return [RedirectResponse("/slack/events") for _ in range(2)]


async def test_the_app_may_forbid_retries(slack: SlackPeople) -> None:
    routes, got = answering(Response(status_code=500, headers={"X-Slack-No-Retry": "1"}))
    async with stock.serving(routes) as address:
        await slack.http(f"{address}/slack/events", stock.SECRET)
        event_id = await slack.event(EVENT)
        await slack.until(lambda now: delivery(now, event_id).gave_up)
    assert len(got) == 1


async def test_a_slow_app_is_a_timeout_and_an_unreachable_one_a_failed_connection(slack: SlackPeople) -> None:
    hold = asyncio.Event()

    async def endpoint(request: Request) -> Response:
        await hold.wait()
        return Response()

    await slack.settings(retry_delays=[0])
    await slack.clock(rate=0)
    async with stock.serving(Starlette(routes=[Route("/", endpoint, methods=["POST"])])) as address:
        await slack.http(address, stock.SECRET)
        event_id = await slack.event(EVENT)
        await slack.until(lambda now: bool(delivery(now, event_id).attempts))
        # Where the retry goes to nobody listens.
        await slack.http("http://127.0.0.1:1/", stock.SECRET)
        await slack.clock(advance=3)
        now = await slack.until(lambda now: delivery(now, event_id).gave_up)
        hold.set()
    assert delivery(now, event_id).reasons == ["http_timeout", "connection_failed"]


async def test_rate_limits_apply_per_tier_and_per_channel(slack: SlackPeople, simulator: dict[str, Any]) -> None:
    web, here, there = stock.web_client(simulator), await slack.channel("here"), await slack.channel("there")
    await slack.clock(rate=0)
    await slack.settings(limits=True)
    for _ in range(3):
        posted = await web.chat_postMessage(channel=here, text="hello")
    with pytest.raises(SlackApiError, match="ratelimited") as refused:
        await web.chat_postMessage(channel=here, text="hello")
    assert refused.value.response.headers["Retry-After"] == "3"
    await web.chat_postMessage(channel=there, text="elsewhere")
    for _ in range(50):
        await web.chat_update(channel=here, ts=posted["ts"], text="again")
    with pytest.raises(SlackApiError, match="ratelimited") as refused:
        await web.chat_update(channel=here, ts=posted["ts"], text="again")
    assert refused.value.response.headers["Retry-After"] == "60"
    await slack.clock(advance=60)
    await web.chat_update(channel=here, ts=posted["ts"], text="again")


async def test_responses_can_be_delayed_lost_or_failed(slack: SlackPeople, simulator: dict[str, Any]) -> None:
    web, channel = stock.web_client(simulator), await slack.channel("slow")
    web.retry_handlers = []
    await slack.clock(rate=0)
    await slack.fault("chat.postMessage", slow=20)
    posting = asyncio.create_task(web.chat_postMessage(channel=channel, text="late"))
    now = await slack.until(lambda now: now.calls[-1].method == "chat.postMessage")
    assert [one.text for one in now.messages if one.channel == channel] == []
    await slack.clock(advance=20)
    assert (await posting)["ok"]
    await slack.fault("chat.postMessage", lose="after")
    with pytest.raises(aiohttp.ClientError):
        await web.chat_postMessage(channel=channel, text="lost")
    now = await slack.state()
    assert [one.text for one in now.messages if one.channel == channel] == ["late", "lost"]
    await slack.fault("chat.postMessage", status=503)
    with pytest.raises(SlackApiError) as refused:
        await web.chat_postMessage(channel=channel, text="never")
    assert refused.value.response.status_code == 503
