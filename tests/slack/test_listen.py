"""Real Bolt over the wire: what comes is claimed before it is acknowledged."""

import asyncio
from typing import Any

import pytest

from adapters.slack import SlackAdapter, hearing, listen
from adapters.slack.incoming import place, ref
from bot import catch_up
from bot.adapter import PlatformError
from bot.settings import Settings
from tests.simulators.slack.client import SlackPeople
from tests.simulators.slack.records import Delivery, State
from tests.slack.taking import TakingBot


def connections(state: State) -> int:
    """How often the app asked for the address of a socket."""
    return len([call for call in state.calls if call.method == "apps.connections.open"])


def deliveries(state: State, ts: str) -> list[Delivery]:
    return [delivery for delivery in state.deliveries if delivery.ts == ts]


async def test_a_mention_and_a_direct_message_reach_the_bot(bot: TakingBot, slack: SlackPeople) -> None:
    ada, channel = await slack.user("ada"), await slack.channel("reach")
    ts = await slack.say(ada, channel, "@threadline hello")
    first, twin = await bot.taken.get(), await bot.taken.get()
    assert first == twin
    assert (first.text, first.addressed, first.place.key) == ("hello", True, f"slack:T0THREAD:{channel}:{ts}")
    await slack.say(ada, await slack.dm(ada), "just between us")
    assert (await bot.taken.get()).addressed


async def test_every_subscribed_event_is_acknowledged(bot: TakingBot, slack: SlackPeople) -> None:
    ada, channel = await slack.user("ada"), await slack.channel("everything")
    ts = await slack.say(ada, channel, "hello")
    await slack.edit(channel, ts, "hello!")
    await slack.delete(channel, ts)
    await slack.open_home(ada)
    await slack.say(ada, channel, "I am another app", bot_id="B0OTHER")
    await slack.event({"type": "app_context_changed", "user": ada, "event_ts": "1.1"})
    now = await slack.until(lambda now: all(delivery.acked_at for delivery in now.deliveries))
    assert len(now.deliveries) >= 6
    assert (await bot.taken.get()).event.endswith(ts)
    assert (await bot.taken.get()).author.is_bot
    assert bot.taken.empty()
    # Deliveries overlap; which of both is heard first makes no difference to the claim.
    assert {(revision.event[-17:], revision.text) for revision in bot.revisions} == {(ts, "hello!"), (ts, None)}
    assert len(bot.revisions) == 2


async def test_a_mention_added_by_an_edit_is_answered_on_slack(bot: TakingBot, slack: SlackPeople) -> None:
    """Slack sends no app_mention for an edit. The bot is told how late the edit came."""
    ada, channel = await slack.user("ada"), await slack.channel("afterthought")
    ts = await slack.say(ada, channel, "what is it?")
    assert not (await bot.taken.get()).addressed
    await slack.edit(channel, ts, "@threadline what is it?")
    taken = await bot.taken.get()
    key = f"slack:T0THREAD:{channel}:{ts}"
    assert (taken.event, taken.place.key, taken.text, taken.addressed) == (key, key, "what is it?", True)
    assert taken.edited_after > 0


async def test_a_message_that_was_not_claimed_is_not_acknowledged_and_is_redelivered(
    bot: TakingBot, slack: SlackPeople
) -> None:
    """By default Bolt acknowledges before its listener runs, and a message whose claim failed would be lost."""
    await slack.settings(ack_timeout=0.5, retry_delays=[0.01] * 1000)
    ada, channel = await slack.user("ada"), await slack.channel("again")
    bot.claims = False
    ts = await slack.say(ada, channel, "do not lose me")
    now = await slack.until(lambda now: len(deliveries(now, ts)[0].attempts) >= 2)
    assert deliveries(now, ts)[0].acked_at is None
    assert bot.refused
    bot.claims = True
    assert (await bot.taken.get()).text == "do not lose me"
    await slack.until(lambda now: deliveries(now, ts)[0].acked_at is not None)
    await slack.settings(ack_timeout=3, retry_delays=[0.1, 60, 300])


async def test_the_acknowledgement_comes_after_the_claim(bot: TakingBot, slack: SlackPeople) -> None:
    bot.gate.clear()
    ada, channel = await slack.user("ada"), await slack.channel("after")
    ts = await slack.say(ada, channel, "hello")
    await bot.arrived.wait()
    assert deliveries(await slack.state(), ts)[0].acked_at is None
    bot.gate.set()
    await slack.until(lambda now: deliveries(now, ts)[0].acked_at is not None)


async def test_only_its_author_sees_the_answer_to_a_command(bot: TakingBot, slack: SlackPeople) -> None:
    """Otherwise Slack would say that the command did not respond."""
    ada, channel = await slack.user("ada"), await slack.channel("commands")
    seen = await slack.command(ada, channel, "/assistant", "list")
    assert seen == "You asked &lt;list&gt; &amp; nothing else"
    assert (bot.commands[-1].place.channel, bot.commands[-1].author.id) == (channel, ada)
    assert [message for message in (await slack.state()).messages if message.channel == channel] == []


async def test_messages_arrive_after_a_reconnect(bot: TakingBot, slack: SlackPeople) -> None:
    opened = connections(await slack.state())
    await slack.disconnect("refresh_requested")
    await slack.until(lambda now: now.sockets == 1 and connections(now) == opened + 1)
    ada = await slack.user("ada")
    await slack.say(ada, await slack.dm(ada), "moved?")
    assert (await bot.taken.get()).text == "moved?"


async def test_a_message_that_could_not_be_stored_is_found_after_slack_has_given_up(
    bot: TakingBot, slack: SlackPeople, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slack redelivers an event for six minutes, but a disk may stay full for longer."""
    monkeypatch.setattr(catch_up, "RETRY_SECONDS", (0.1,))
    bot.claims = False
    ada, channel = await slack.user("ada"), await slack.channel("never-heard-of")
    ts = await slack.say(ada, channel, "@threadline do not lose me")
    await bot.until(lambda: bool(bot.refused))
    await slack.give_up()
    bot.claims = True
    assert (await bot.taken.get()).event == ref("T0THREAD", channel, ts)
    await bot.until(lambda: bot.is_whole)


@pytest.mark.parametrize("fault", [{"lose": "before"}, {"status": 503}, {"error": "internal_error"}])
@pytest.mark.parametrize("method", ["auth.test", "apps.connections.open"])
async def test_slack_out_of_reach_at_the_start_is_connected_to_later(
    settings: Settings, slack: SlackPeople, monkeypatch: pytest.MonkeyPatch, method: str, fault: dict[str, Any]
) -> None:
    """A machine may start its programs before its network; the page and other platforms go on meanwhile."""
    monkeypatch.setattr(catch_up, "RETRY_SECONDS", (0.05,))
    bot, adapter = TakingBot(), SlackAdapter.from_settings(settings)
    assert adapter is not None
    await slack.fault(method, **fault)
    await adapter.connect()
    with pytest.raises(PlatformError, match="could not be reached yet"):
        await adapter._workspace.call("chat.postMessage")
    async with asyncio.TaskGroup() as group:
        listening = group.create_task(adapter.listen(bot))
        ada = await slack.user("ada")
        await slack.until(lambda now: now.sockets == 1)
        await slack.say(ada, await slack.dm(ada), "here now?")
        assert (await bot.taken.get()).text == "here now?"
        listening.cancel()
    await adapter.close()
    await slack.until(lambda now: now.sockets == 0)


@pytest.mark.parametrize("how", ["half_open", "deaf"])
async def test_a_silent_socket_is_noticed_and_no_message_is_missed(
    adapter: SlackAdapter, slack: SlackPeople, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """One socket does not even answer pings; the other answers pings but delivers no events."""
    monkeypatch.setattr(listen, "PING", 0.3)
    monkeypatch.setattr(hearing, "SILENCE", 0.3 if how == "deaf" else 600.0)
    ada, bot = await slack.user("ada"), TakingBot()
    dm = await slack.dm(ada)
    async with asyncio.TaskGroup() as group:
        listening = group.create_task(adapter.listen(bot))
        await slack.until(lambda now: now.sockets == 1)
        root = await slack.say(ada, dm, "hello")
        assert (await bot.taken.get()).event == ref("T0THREAD", dm, root)
        bot.places = [place("T0THREAD", dm, root)]
        opened = connections(await slack.state())
        await slack.disconnect(how)
        said = await slack.say(ada, dm, f"said into a {how} socket")
        await slack.give_up()
        while (await bot.taken.get()).event != ref("T0THREAD", dm, said):
            """What was heard before may be brought once more."""
        await slack.until(lambda now: connections(now) > opened)
        again = await slack.say(ada, dm, "and into the next one")
        while (await bot.taken.get()).event != ref("T0THREAD", dm, again):
            """As above."""
        listening.cancel()
    await slack.until(lambda now: now.sockets == 0)


async def test_a_socket_with_an_expired_ticket_reconnects_with_a_new_one(
    adapter: SlackAdapter, slack: SlackPeople, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client would otherwise try the same address forever. It must reconnect even if nobody writes."""
    monkeypatch.setattr(listen, "PING", 0.3)
    monkeypatch.setattr(hearing, "SILENCE", 0.5)
    ada, bot = await slack.user("ada"), TakingBot()
    async with asyncio.TaskGroup() as group:
        listening = group.create_task(adapter.listen(bot))
        await slack.until(lambda now: now.sockets == 1)
        await slack.settings(expired_tickets=1)
        await slack.disconnect("drop")
        await slack.until(lambda now: now.sockets == 1)
        said = await slack.say(ada, await slack.dm(ada), "hello")
        assert (await bot.taken.get()).event.endswith(said)
        listening.cancel()
    await slack.until(lambda now: now.sockets == 0)


async def test_messages_whose_events_slack_dropped_are_found(
    bot: TakingBot, slack: SlackPeople, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Above 30,000 events an hour, Slack drops events and says so once a minute. Later drops must be found too."""
    monkeypatch.setattr(hearing, "DROPPING", 1.0)
    ada = await slack.user("ada")
    dm = await slack.dm(ada)
    root = await slack.say(ada, dm, "hello")
    assert (await bot.taken.get()).event == ref("T0THREAD", dm, root)
    bot.places = [place("T0THREAD", dm, root)]
    await slack.settings(hourly=0)
    try:
        for text in ("dropped and told", "dropped and not told"):
            await slack.say(ada, dm, text)
            while (await bot.taken.get()).text != text:
                """What was heard before may be brought once more."""
        told = [delivery for delivery in (await slack.state()).deliveries if delivery.event == "app_rate_limited"]
        assert [delivery.acked_at is not None for delivery in told] in ([True], [True, True])
    finally:
        await slack.settings(hourly=30_000)


def test_the_adapter_has_no_routes(adapter: SlackAdapter, bot: TakingBot) -> None:
    assert adapter.routes(bot) == []
