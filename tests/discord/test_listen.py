"""What happens on Discord reaches the bot, whatever the gateway does. Over the wire."""

import asyncio
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest
from discord.gateway import DiscordWebSocket

from adapters.discord import DiscordAdapter, commands
from adapters.discord.acknowledging import Acknowledging
from adapters.discord.gateway import Identifies, Listener, TooSoonError
from adapters.discord.rate import Rate
from bot.adapter import ConfigurationError, Receipt
from bot.incoming import Command, Incoming, Place
from bot.settings import Settings
from bot.testing import TakingBot
from bot.views import NOT_DONE, Answer
from tests.simulators.discord.client import DiscordPeople
from tests.simulators.discord.records import State
from tests.simulators.discord.world import GUILD


def frames(now: State, *ops: str) -> list[str]:
    return [frame.op for frame in now.frames if frame.op in ops]


@pytest.mark.parametrize("steps", range(2))
async def test_listening_ends_when_it_is_cancelled_while_the_connection_is_made(
    adapter: DiscordAdapter, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    """Otherwise the program would not shut down. `steps` of the event loop lie between the two."""
    connect = DiscordWebSocket.from_client

    async def cancelled_meanwhile(*args: Any, **options: Any) -> DiscordWebSocket:
        socket = await connect(*args, **options)
        listening.cancel()
        for _ in range(steps):
            await asyncio.sleep(0)
        return socket

    monkeypatch.setattr(DiscordWebSocket, "from_client", cancelled_meanwhile)
    listening = asyncio.create_task(adapter.listen(TakingBot()))
    async with asyncio.timeout(60):
        await asyncio.wait([listening])
    assert listening.cancelled()


async def ended(listening: "asyncio.Task[None]") -> None:
    listening.cancel()
    await asyncio.wait([listening])


async def test_messages_reach_the_bot_with_their_place(bot: TakingBot, discord: DiscordPeople) -> None:
    ada, channel = await discord.user("ada"), await discord.channel("reach")
    mention = await discord.say(ada, channel, "@threadline hello")
    first = await bot.takes("hello")
    assert (first.event, first.place.key, first.addressed) == (f"discord:{mention}", f"discord:{mention}", True)
    assert (first.place.channel, first.place.thread, first.author.id) == (channel, mention, ada)
    assert first.position.endswith(mention)
    assert len(first.position) == 20
    thread = await discord.thread(ada, channel, "theirs")
    await discord.say(ada, thread, "in a thread")
    second = await bot.takes("in a thread")
    assert (second.place.key, second.place.channel, second.addressed) == (f"discord:{thread}", channel, False)
    dm = await discord.dm(ada)
    await discord.say(ada, dm, "just between us")
    third = await bot.takes("just between us")
    assert (third.place.key, third.place.thread, third.addressed) == (f"discord:{dm}", None, True)


async def test_a_reply_to_the_bot_is_addressed_to_it(bot: TakingBot, discord: DiscordPeople) -> None:
    ada, channel = await discord.user("ada"), await discord.channel("replied")
    ours = await discord.say((await discord.state()).bot["id"], channel, "I said this")
    await discord.say(ada, channel, "and I ask about it", reply_to=ours)
    assert (await bot.takes("and I ask about it")).addressed


async def test_a_message_that_could_not_be_stored_is_stored_later(bot: TakingBot, discord: DiscordPeople) -> None:
    """Discord does not redeliver messages."""
    await bot.until(lambda: bot.is_whole)
    bot.claims = False
    ada = await discord.user("ada")
    await discord.say(ada, await discord.dm(ada), "do not lose me")
    await bot.until(lambda: bool(bot.refused))
    bot.claims = True
    assert (await bot.takes("do not lose me")).author.id == ada
    # Others may be missing, too: a search is needed before a later message counts as the newest.
    await bot.until(lambda: bot.is_whole)


@pytest.mark.parametrize("fault", [{"lose": "before", "times": 3}, {"status": 403}])
async def test_a_message_in_an_unknown_channel_is_claimed_when_the_channel_becomes_known(
    adapter: DiscordAdapter, settings: Settings, discord: DiscordPeople, fault: dict[str, Any]
) -> None:
    """While a server becomes available again, Discord can send messages before their channels."""
    ada, channel, bot = await discord.user("ada"), await discord.channel("untold"), TakingBot()
    thread = await discord.thread(ada, channel, "theirs")
    said = await discord.say(ada, thread, "still there?")
    async with Listener(bot, Identifies(), Rate(), Acknowledging(), reads_all=True) as listener:
        await listener.login(settings.discord_token.get_secret_value())
        place = listener.get_partial_messageable(int(thread), guild_id=int(GUILD))
        message = await place.fetch_message(int(said))
        await discord.fault("get_channel", **fault)
        await listener.on_message(message)
    # Where we may not look, nobody can say that it is a thread.
    key = thread if "lose" in fault else said
    assert (await bot.takes("still there?")).place.key == f"discord:{key}"


async def test_an_edit_keeps_what_its_message_replies_to(bot: TakingBot, discord: DiscordPeople) -> None:
    """Every direct message is meant for the bot, with or without a mention."""
    ada = await discord.user("ada")
    dm = await discord.dm(ada)
    first = await discord.say(ada, dm, "The cat is on the mat.")
    files = [{"name": "a.txt", "data": "QQ=="}, {"name": "b.txt", "data": "Qg=="}]
    question = await discord.say(ada, dm, "where is it?", reply_to=first, files=files)
    await bot.until(lambda: len(bot.received) == 2)
    assert [file.name for file in bot.received[-1].files] == ["a.txt", "b.txt"]
    await discord.edit(question, "where is the cat?", files=["b.txt"])
    await bot.until(lambda: bool(bot.revisions))
    assert bot.revisions[-1].text == (bot.received[-1].text.removesuffix("where is it?") + "where is the cat?")
    assert "on the mat" in bot.received[-1].text
    assert [file.name for file in bot.revisions[-1].files or ()] == ["b.txt"]


async def test_a_mention_added_by_an_edit_is_answered_on_discord(bot: TakingBot, discord: DiscordPeople) -> None:
    """The core needs to know how late the edit came."""
    ada, channel = await discord.user("ada"), await discord.channel("afterthought")
    said = await discord.say(ada, channel, "what is it?")
    await bot.takes("what is it?")
    await discord.edit(said, "@threadline what is it?")
    await bot.until(lambda: any(one.addressed for one in bot.received))
    taken = next(one for one in bot.received if one.addressed)
    assert (taken.event, taken.place.key, taken.text) == (f"discord:{said}", f"discord:{said}", "what is it?")
    assert taken.edited_after > 0


async def test_only_its_author_sees_the_answer_to_a_command(bot: TakingBot, discord: DiscordPeople) -> None:
    """Otherwise Discord would say that the command did not respond."""
    ada, channel = await discord.user("ada"), await discord.channel("commands")
    asked = await discord.command(ada, channel, "/assistant list")
    now = await discord.until(lambda now: any("You asked for list" in message.content for message in now.messages))
    assert [message.only_for for message in now.messages if message.id == asked.original] == [ada]
    assert (bot.commands[-1].event, bot.commands[-1].place.key) == (f"discord:{asked.id}", "")


async def test_a_question_by_command_that_cannot_be_stored_is_answered_with_the_reason(
    bot: TakingBot, discord: DiscordPeople
) -> None:
    """Discord does not redeliver commands, and would show for fifteen minutes that the bot is thinking."""
    ada, channel = await discord.user("ada"), await discord.channel("refused")
    bot.claims = False
    asked = await discord.command(ada, channel, "/assistant ask", question="how many legs?")
    now = await discord.until(lambda now: any(message.content == NOT_DONE for message in now.messages))
    assert [message.id for message in now.messages if message.content == NOT_DONE] == [asked.original]


async def test_a_question_by_command_is_stored_before_it_is_acknowledged(
    bot: TakingBot, discord: DiscordPeople
) -> None:
    """Discord does not redeliver commands, so a program that is killed after acknowledging one must have stored it."""
    ada, channel = await discord.user("ada"), await discord.channel("stored-first")
    await discord.fault("create_interaction_response", hold=True)
    asking = asyncio.create_task(discord.command(ada, channel, "/assistant ask", question="stored already?"))
    await bot.takes("stored already?")
    await discord.release()
    await asking


async def test_a_question_by_command_is_acknowledged_in_time_even_if_storing_it_takes_longer(
    adapter: DiscordAdapter, discord: DiscordPeople, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "STORED_FIRST", 0.01)
    acknowledged = asyncio.Event()

    class Slow(TakingBot):
        async def receive(self, incoming: Incoming) -> Receipt:
            await acknowledged.wait()
            return await super().receive(incoming)

    bot = Slow()
    listening = asyncio.create_task(adapter.listen(bot))
    await discord.until(lambda now: now.sockets == 1)
    ada, channel = await discord.user("ada"), await discord.channel("stored-late")
    asked = await discord.command(ada, channel, "/assistant ask", question="slow disk?")
    assert not asked.failed
    acknowledged.set()
    await bot.takes("slow disk?")
    listening.cancel()
    await asyncio.wait([listening])


async def test_a_command_is_answered_even_if_the_response_to_its_acknowledgement_is_lost(
    bot: TakingBot, discord: DiscordPeople
) -> None:
    ada, channel = await discord.user("ada"), await discord.channel("lost")
    await discord.fault("create_interaction_response", lose="after")
    asked = await discord.command(ada, channel, "/assistant use lost")
    now = await discord.until(lambda now: any(message.content == "You asked for use lost." for message in now.messages))
    (answer,) = [message for message in now.messages if message.channel == channel]
    assert (answer.id, answer.only_for) == (asked.original, ada)


async def test_a_command_in_progress_is_answered_before_the_connection_is_closed(
    adapter: DiscordAdapter, discord: DiscordPeople, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "LEAVING", 60.0)
    begun, shuts_down = asyncio.Event(), asyncio.Event()

    class Slow(TakingBot):
        async def command(self, command: Command) -> Answer:
            begun.set()
            await shuts_down.wait()
            return await super().command(command)

    listening = asyncio.create_task(adapter.listen(Slow()))
    await discord.until(lambda now: now.sockets == 1)
    ada, channel = await discord.user("ada"), await discord.channel("shutdown")
    asked = asyncio.create_task(discord.command(ada, channel, "/assistant list"))
    await begun.wait()
    listening.cancel()
    ended, _ = await asyncio.wait([listening], timeout=0.5)
    assert not ended
    shuts_down.set()
    await asyncio.wait([listening])
    assert (await discord.answer(channel, "You asked for list.")).id == (await asked).original


async def test_a_command_in_a_thread_or_dm_is_about_that_conversation(bot: TakingBot, discord: DiscordPeople) -> None:
    ada, channel = await discord.user("ada"), await discord.channel("about")
    for place in (await discord.thread(ada, channel, "theirs"), await discord.dm(ada)):
        await discord.command(ada, place, "/assistant use", name="tour")
        await bot.until(lambda place=place: any(c.place.key == f"discord:{place}" for c in bot.commands))  # type: ignore[misc]
    assert bot.commands[-1].text == "use tour"


@pytest.mark.parametrize("how", ["reconnect", "drop", "4000", "resumable"])
async def test_no_message_is_missed_while_the_connection_is_lost(
    bot: TakingBot, discord: DiscordPeople, how: str
) -> None:
    state = await discord.state()
    before, connects = frames(state, "identify", "resume"), len(frames(state, "connect"))
    ada = await discord.user("ada")
    dm = await discord.dm(ada)
    await discord.fault("gateway_connect", hold=True)
    await discord.disconnect(how)
    await discord.until(lambda now: now.sockets == 0 and len(frames(now, "connect")) > connects)
    await discord.say(ada, dm, f"said meanwhile {how}")
    await discord.release()
    await bot.takes(f"said meanwhile {how}")
    now = await discord.until(lambda now: now.sockets == 1)
    assert frames(now, "identify", "resume")[len(before) :] == ["resume"]


async def test_who_has_waited_longest_is_found_first(adapter: DiscordAdapter, discord: DiscordPeople) -> None:
    """A program that keeps ending would otherwise find the same people every time, and never the others."""
    ada, channel, bot = await discord.user("ada"), await discord.channel("waiting"), TakingBot()
    threads = [await discord.thread(ada, channel, f"number {number}") for number in range(4)]
    for number in (2, 0, 3, 1):
        await discord.say(ada, threads[number], f"waits in {number}")
    bot.places = [Place(f"discord:{thread}", "discord", GUILD, channel, thread) for thread in threads]
    listening = asyncio.create_task(adapter.listen(bot))
    await bot.until(lambda: bot.is_whole)
    found = [one.text for one in bot.received if "waits" in one.text]
    assert found == ["waits in 2", "waits in 0", "waits in 3", "waits in 1"]
    await ended(listening)


async def test_what_was_said_while_it_was_away_is_found_before_older_messages_are_read_again(
    adapter: DiscordAdapter, discord: DiscordPeople
) -> None:
    ada, channel, bot = await discord.user("ada"), await discord.channel("busy"), TakingBot()
    before, after = [await discord.thread(ada, channel, f"number {number}") for number in range(2)]
    earlier = await discord.say(ada, before, "arrived before")
    await discord.say(ada, after, "missed")
    bot.places = [Place(f"discord:{thread}", "discord", GUILD, channel, thread) for thread in (before, after)]
    bot.heard = f"{int(earlier):020}"
    listening = asyncio.create_task(adapter.listen(bot))
    await bot.until(lambda: bot.is_whole)
    found = [one.text for one in bot.received if one.place.thread in (before, after)]
    assert found == ["missed", "arrived before"]
    await ended(listening)


async def test_a_silent_gateway_is_noticed_and_no_message_is_missed(
    adapter: DiscordAdapter, discord: DiscordPeople, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The network has lost the connection without closing it."""
    monkeypatch.setattr(Listener, "SILENCE", 1.0)
    ada, bot = await discord.user("ada"), TakingBot()
    dm = await discord.dm(ada)
    await discord.settings(beat_every=0.2)
    listening = asyncio.create_task(adapter.listen(bot))
    await discord.until(lambda now: now.sockets == 1)
    await discord.disconnect("half_open")
    await discord.say(ada, dm, "said into nothing")
    await bot.takes("said into nothing")
    await discord.settings(beat_every=41.25)
    await ended(listening)


async def test_a_connection_that_closes_before_a_session_exists_is_retried(
    adapter: DiscordAdapter, discord: DiscordPeople
) -> None:
    """discord.py raises an AttributeError in that case."""
    before = len((await discord.state()).frames)
    adapter.pauses = (0.2, 0.4)
    await discord.fault("gateway_connect", close=4000, times=3)
    listening = asyncio.create_task(adapter.listen(TakingBot()))
    now = await discord.until(lambda now: now.sockets == 1)
    connects = [frame.at for frame in now.frames[before:] if frame.op == "connect"]
    assert len(connects) == 4
    assert all(later - earlier >= 0.19 for earlier, later in pairwise(connects))
    assert connects[3] - connects[2] >= 0.39
    assert frames(now, "identify")[-1:] == ["identify"]
    assert len([frame for frame in now.frames[before:] if frame.op == "identify"]) == 1
    await ended(listening)


async def test_without_the_message_content_intent_the_log_names_the_switch_and_mentions_work(
    adapter: DiscordAdapter,
    discord: DiscordPeople,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Discord closes the connection with code 4014."""
    await discord.settings(privileged=[])
    bot = TakingBot()
    listening = asyncio.create_task(adapter.listen(bot))
    await discord.until(lambda now: now.sockets == 1)
    assert "switch on Message Content Intent" in capsys.readouterr().out + caplog.text
    ada, channel = await discord.user("ada"), await discord.channel("lean")
    await discord.say(ada, channel, "@threadline still there?")
    await bot.takes("still there?")
    await discord.say(ada, await discord.thread(ada, channel, "theirs"), "nobody reads this")
    await bot.takes("")
    await ended(listening)
    await discord.settings(privileged=["message_content"])


@pytest.mark.parametrize(
    ("code", "sentence"), [(4004, "refuses DISCORD_TOKEN"), (4013, r"gateway .4013.: .*update Threadline")]
)
async def test_a_permanent_refusal_by_the_gateway_is_explained(
    adapter: DiscordAdapter, discord: DiscordPeople, code: int, sentence: str
) -> None:
    await discord.fault("gateway_identify", close=code)
    with pytest.raises(ConfigurationError, match=sentence):
        await adapter.listen(TakingBot())


@pytest.mark.parametrize("code", [4004, 4013])
async def test_a_token_reset_while_running_does_not_end_the_program(
    bot: TakingBot, discord: DiscordPeople, capsys: pytest.CaptureFixture[str], code: int
) -> None:
    """The conversations on Slack must continue."""
    ada, before = await discord.user("ada"), len(frames(await discord.state(), "identify"))
    await bot.until(lambda: bot.is_whole)
    await discord.fault("gateway_connect", close=code)
    await discord.disconnect("4000")
    await discord.until(lambda now: len(frames(now, "identify")) > before)
    await discord.say(ada, await discord.dm(ada), f"after {code}")
    await bot.takes(f"after {code}")
    assert "until this is mended" in capsys.readouterr().out


async def test_a_cloudflare_ban_at_login_is_waited_out(adapter: DiscordAdapter, discord: DiscordPeople) -> None:
    await discord.fault("get_current_user", status=429, scope="cloudflare", retry_after=1)
    before = len((await discord.state()).calls)
    listening = asyncio.create_task(adapter.listen(TakingBot()))
    now = await discord.until(lambda now: now.sockets == 1)
    logins = [call.at for call in now.calls[before:] if call.method == "get_current_user"]
    assert len(logins) == 2
    assert logins[1] - logins[0] >= 0.99
    await ended(listening)


async def test_repeated_identifies_back_off_without_holding_a_socket_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """Discord resets the token of a bot that identifies a thousand times in a day."""
    monkeypatch.setattr(Identifies, "PAUSES", (0.0, 0.1, 0.2, 60.0))
    loop, identifies, sent = asyncio.get_running_loop(), Identifies(), []
    for _ in range(3):
        await identifies.wait()
        sent.append(loop.time())
    assert all(later - earlier >= pause for (earlier, later), pause in zip(pairwise(sent), (0.1, 0.2), strict=True))
    with pytest.raises(TooSoonError) as too_soon:
        await identifies.wait()
    assert 50 < too_soon.value.seconds <= 60
    monkeypatch.setattr(Identifies, "CALM", 0.0)
    await identifies.wait()


def test_the_adapter_has_no_routes(adapter: DiscordAdapter) -> None:
    assert adapter.routes(TakingBot()) == []


async def test_a_connection_that_closes_starts_no_search() -> None:
    """Otherwise the search would go on after the program had left, or beside that of the next connection."""
    async with Listener(TakingBot(), Identifies(), Rate(), Acknowledging(), reads_all=True) as listener:
        listener._connection.user = SimpleNamespace(id=1)  # type: ignore[assignment]
    listener._look_back()
    assert listener._looking is None


async def test_events_while_closing_are_dropped() -> None:
    """discord.py can report that it is ready two seconds after it was closed."""
    async with Listener(TakingBot(), Identifies(), Rate(), Acknowledging(), reads_all=True) as listener:
        pass
    listener.dispatch("ready")
