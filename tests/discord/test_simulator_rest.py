"""The simulated REST API does to real discord.py what Discord's does: limits, refusals, and answers that get lost."""

import asyncio
from collections.abc import AsyncIterator
from io import BytesIO
from typing import Any

import aiohttp
import discord as library
import pytest
from discord import AllowedMentions, File, Forbidden, HTTPException, NotFound, Object, TextChannel

from tests.discord.stock import Stock, running
from tests.simulators.discord.client import DiscordPeople, app_messages, file


@pytest.fixture
async def stock(simulator: dict[str, Any], discord: DiscordPeople) -> AsyncIterator[Stock]:
    """A plain client, connected."""
    async with running(Stock(simulator), simulator["token"]) as client:
        yield client
    await discord.until(lambda now: now.sockets == 0)


@pytest.fixture
async def place(discord: DiscordPeople, stock: Stock) -> TextChannel:
    """A channel that the client knows."""
    return await _known(stock, await discord.channel("place"))


async def _known(stock: Stock, channel: str) -> TextChannel:
    known = stock.get_channel(int(channel)) or await stock.fetch_channel(int(channel))
    assert isinstance(known, TextChannel)
    return known


async def test_messages_are_posted_edited_read_and_deleted(discord: DiscordPeople, place: TextChannel) -> None:
    sent = [await place.send(f"number {number}") for number in range(5)]
    await sent[2].edit(content="number two")
    assert (await place.fetch_message(sent[2].id)).content == "number two"
    newest = [message.content async for message in place.history(limit=2)]
    assert newest == ["number 4", "number 3"]
    after = [message.id async for message in place.history(after=sent[1], oldest_first=True)]
    assert after == [message.id for message in sent[2:]]
    before = [message.id async for message in place.history(before=sent[1])]
    assert before == [sent[0].id]
    await sent[0].delete()
    with pytest.raises(NotFound) as gone:
        await place.fetch_message(sent[0].id)
    assert gone.value.code == 10008
    assert (await discord.said(str(place.id)))[1].versions == ["number 2", "number two"]


async def test_discords_message_limits_are_enforced(place: TextChannel) -> None:
    await place.send("x" * 2000)
    with pytest.raises(HTTPException, match="Must be 2000 or fewer in length") as long:
        await place.send("x" * 2001)
    assert (long.value.status, long.value.code) == (400, 50035)
    with pytest.raises(HTTPException) as empty:
        await place.send("")
    assert empty.value.code == 50006
    with pytest.raises(HTTPException, match="Embed size"):
        await place.send(embeds=[library.Embed(description="x" * 4000) for _ in range(2)])


async def test_a_nonce_is_posted_once_for_some_minutes(discord: DiscordPeople, place: TextChannel) -> None:
    first = await place.send("once", nonce="run-1:0")
    assert (await place.send("twice", nonce="run-1:0")).id == first.id
    assert (await place.send("another", nonce="run-1:1")).id != first.id
    await discord.clock(advance=301)
    assert (await place.send("later", nonce="run-1:0")).id != first.id
    assert [one.content for one in await discord.said(str(place.id))] == ["once", "another", "later"]


async def test_only_allowed_mentions_ping(discord: DiscordPeople, place: TextChannel) -> None:
    ada = await discord.user("ada")
    text = f"@everyone @here <@{ada}> <@&123>"
    loud = await place.send(text)
    quiet = await place.send(text, allowed_mentions=AllowedMentions.none())
    chosen = await place.send(text, allowed_mentions=AllowedMentions(everyone=False, roles=False, users=[Object(ada)]))
    await quiet.edit(content=f"{text}!", allowed_mentions=AllowedMentions.none())
    pings = {message.id: message.pings for message in await discord.said(str(place.id))}
    assert pings[str(loud.id)] == ["@everyone", "@here", "<@&123>", f"<@{ada}>"]
    assert pings[str(quiet.id)] == []
    assert pings[str(chosen.id)] == [f"<@{ada}>"]
    assert (loud.mention_everyone, quiet.mention_everyone, [one.id for one in chosen.mentions]) == (
        True,
        False,
        [int(ada)],
    )


async def test_a_reply_pings_unless_told_otherwise(discord: DiscordPeople, stock: Stock, place: TextChannel) -> None:
    ada = await discord.user("ada")
    await discord.say(ada, str(place.id), "question")
    question = await stock.heard.get()
    await question.reply("loud")
    quiet = await question.reply("quiet", mention_author=False, allowed_mentions=AllowedMentions.none())
    assert quiet.reference is not None
    assert quiet.reference.message_id == question.id
    assert [one.pings for one in await discord.said(str(place.id))] == [[f"<@{ada}>"], []]
    await discord.delete(str(question.id))
    with pytest.raises(HTTPException, match="Unknown message"):
        await question.reply("to nobody")


async def test_the_client_waits_for_a_rate_limit_but_not_for_a_ban(discord: DiscordPeople, place: TextChannel) -> None:
    await discord.fault("create_message", status=429, retry_after=0.01)
    await discord.fault("create_message", status=429, retry_after=0.01, scope="global")
    await place.send("in the end")
    calls = [call for call in (await discord.state()).calls if call.method == "create_message"][-3:]
    assert [call.status for call in calls] == [429, 429, 200]
    assert [call.response.get("global") for call in calls] == [False, True, None]
    await discord.fault("create_message", status=429, scope="cloudflare")
    with pytest.raises(HTTPException, match="1015") as banned:
        await place.send("not at all")
    assert banned.value.status == 429


async def test_configured_rate_limits_are_sent_in_headers_and_enforced(
    simulator: dict[str, Any], discord: DiscordPeople, place: TextChannel
) -> None:
    await discord.settings(rate_limits={"create_message": [2, 0.3]})
    for number in range(5):
        await place.send(f"patient {number}")
    calls = [call for call in (await discord.state()).calls if call.arguments.get("channel") == str(place.id)]
    assert {call.status for call in calls} == {200}
    url = f"{simulator['api']}/channels/{place.id}/messages"
    await discord.settings(rate_limits={"create_message": [1, 60]})
    async with aiohttp.ClientSession(headers={"Authorization": f"Bot {simulator['token']}"}) as session:
        answers = [await session.post(url, json={"content": "impatient"}) for _ in range(3)]
    assert [answer.status for answer in answers][1:] == [429, 429]
    assert {answers[2].headers[name] for name in ("X-RateLimit-Scope", "X-RateLimit-Remaining")} == {"user", "0"}
    await discord.settings(rate_limits={"create_message": [50, 1]})


async def test_the_client_retries_a_server_error(discord: DiscordPeople, place: TextChannel) -> None:
    await discord.fault("create_message", status=502)
    await place.send("after all")
    assert [one.content for one in await discord.said(str(place.id))] == ["after all"]


@pytest.mark.parametrize(("lose", "posted"), [("before", 0), ("after", 1)])
async def test_a_request_can_be_lost_before_or_after_it_takes_effect(
    discord: DiscordPeople, place: TextChannel, lose: str, posted: int
) -> None:
    await discord.fault("create_message", lose=lose)
    with pytest.raises((aiohttp.ClientError, OSError)):
        await place.send("perhaps", nonce=f"lost-{lose}")
    assert len(await discord.said(str(place.id))) == posted
    await place.send("perhaps", nonce=f"lost-{lose}")
    assert len(await discord.said(str(place.id))) == 1


async def test_requests_without_permission_are_refused(
    discord: DiscordPeople, stock: Stock, place: TextChannel
) -> None:
    message = await place.send("before")
    for denied, code in (("send_messages", 50013), ("view_channel", 50001)):
        await discord.deny(str(place.id), denied)
        with pytest.raises(Forbidden) as refused:
            await place.send("after")
        assert refused.value.code == code
    await discord.deny(str(place.id), "create_public_threads")
    with pytest.raises(Forbidden):
        await message.create_thread(name="no")
    await discord.say(await discord.user("ada"), str(place.id), "told in order")
    await stock.heard.get()
    assert not place.permissions_for(place.guild.me).create_public_threads
    assert place.permissions_for(place.guild.me).send_messages


async def test_a_deleted_channel_is_not_found(discord: DiscordPeople, place: TextChannel) -> None:
    await discord.delete_channel(str(place.id))
    with pytest.raises(NotFound) as gone:
        await place.send("hello?")
    assert gone.value.code == 10003


async def test_a_thread_from_a_message_shares_its_id(discord: DiscordPeople, stock: Stock, place: TextChannel) -> None:
    message = await place.send("question")
    with pytest.raises(HTTPException, match="Must be between 1 and 100 in length"):
        await message.create_thread(name="x" * 101)
    thread = await message.create_thread(name="x" * 100, auto_archive_duration=60)
    assert (thread.id, thread.parent_id, thread.owner_id) == (message.id, place.id, stock.application_id)
    with pytest.raises(HTTPException) as again:
        await message.create_thread(name="again")
    assert again.value.code == 160004
    await thread.edit(archived=True)
    assert [one.id async for one in place.archived_threads()] == [thread.id]
    await thread.send("awake")
    assert thread.id in [one.id for one in await place.guild.active_threads()]
    found = await place.fetch_message(message.id)
    assert found.thread is not None
    assert found.thread.name == "x" * 100
    await discord.deny(str(place.id), "send_messages_in_threads")
    with pytest.raises(Forbidden):
        await thread.send("not here")


async def test_an_inactive_thread_is_archived_and_reopened_by_a_message(
    discord: DiscordPeople, place: TextChannel
) -> None:
    thread = await (await place.send("question")).create_thread(name="Quiet", auto_archive_duration=60)
    await discord.clock(advance=3600)
    await discord.until(lambda now: next(one for one in now.channels if one.id == str(thread.id)).archived)
    assert thread.id in [one.id async for one in place.archived_threads()]
    await discord.say(await discord.user("ada"), str(thread.id), "back again")
    assert thread.id in [one.id for one in await place.guild.active_threads()]


async def test_typing_ends_with_the_message_or_after_ten_seconds(discord: DiscordPeople, place: TextChannel) -> None:
    await place.typing()
    assert [one.channel for one in (await discord.state()).typing] == [str(place.id)]
    await place.send("done")
    assert (await discord.state()).typing == []
    await place.typing()
    await discord.clock(advance=11)
    assert (await discord.state()).typing == []


async def test_a_dm_with_a_person_can_be_opened(discord: DiscordPeople, stock: Stock) -> None:
    ada = await discord.user("ada")
    sent = await (await stock.fetch_user(int(ada))).send("hello")
    assert str(sent.channel.id) == await discord.dm(ada)
    assert [one.content for one in app_messages(await discord.state(), str(sent.channel.id))] == ["hello"]


async def test_files_are_uploaded_and_downloaded(discord: DiscordPeople, stock: Stock, place: TextChannel) -> None:
    ada = await discord.user("ada")
    await discord.say(ada, str(place.id), "look", files=[file("a b.txt", b"from ada")])
    attachment = (await stock.heard.get()).attachments[0]
    assert (attachment.filename, await attachment.read()) == ("a b.txt", b"from ada")
    files = [File(BytesIO(b"code"), "code.py", description="some code"), File(BytesIO(b"more"), "more.py")]
    sent = await place.send("here", files=files)
    assert [one.filename for one in sent.attachments] == ["code.py", "more.py"]
    assert [one.description for one in sent.attachments] == ["some code", None]
    assert await sent.attachments[0].read() == b"code"
    assert (await sent.edit(attachments=sent.attachments[:1])).attachments[0].filename == "code.py"


async def test_a_delayed_response_arrives_when_its_time_has_passed(discord: DiscordPeople, place: TextChannel) -> None:
    await discord.fault("create_message", slow=600)
    sending = asyncio.create_task(place.send("slowly"))
    await discord.until(lambda now: now.calls[-1].method == "create_message")
    assert await discord.said(str(place.id)) == []
    await discord.clock(advance=600)
    assert (await sending).content == "slowly"


async def test_an_unknown_call_is_refused_and_recorded_as_a_failure(simulator: dict[str, Any], stock: Stock) -> None:
    async with DiscordPeople(simulator["address"]) as people:
        with pytest.raises(NotFound):
            await stock.fetch_premium_sticker_packs()
        assert "sticker-packs" in (await people.state()).failures[-1]
        await people.forget_failures()
