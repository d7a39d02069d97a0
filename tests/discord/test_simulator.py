"""The simulated gateway speaks what the real discord.py understands, and closes where Discord closes."""

import importlib
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from discord import ConnectionClosed, LoginFailure, PrivilegedIntentsRequired, TextChannel

from tests.conftest import Facts
from tests.discord.stock import ALL, LEAN, Stock, running
from tests.simulators.discord.client import DiscordPeople
from tests.simulators.discord.facts import PINNED


@pytest.fixture
async def stock(simulator: dict[str, Any], discord: DiscordPeople) -> AsyncIterator[Stock]:
    """A plain client, connected."""
    async with running(Stock(simulator), simulator["token"]) as client:
        yield client
    await discord.until(lambda now: now.sockets == 0)


async def test_a_client_logs_in_and_sees_the_server(
    simulator: dict[str, Any], discord: DiscordPeople, stock: Stock
) -> None:
    guild = stock.guilds[0]
    assert (guild.id, guild.me.id) == (int(simulator["guild"]), int(simulator["application"]))
    assert "general" in {channel.name for channel in guild.text_channels}
    frames = [frame for frame in (await discord.state()).frames if frame.op in ("connect", "identify")]
    assert frames[-2].data["compress"] in ("zlib-stream", "zstd-stream")
    assert frames[-1].data["intents"] == ALL.value
    assert simulator["token"] not in str(frames)


async def test_a_charset_in_the_content_type_breaks_the_login(
    simulator: dict[str, Any], discord: DiscordPeople
) -> None:
    """That is why every response has exactly `application/json`."""
    await discord.settings(content_type="application/json; charset=utf-8")
    with pytest.raises(TypeError, match="string indices"):
        await running(Stock(simulator), simulator["token"]).__aenter__()
    await discord.settings(content_type="application/json")


async def test_a_wrong_token_is_refused_by_rest_and_gateway(simulator: dict[str, Any], discord: DiscordPeople) -> None:
    with pytest.raises(LoginFailure):
        await running(Stock(simulator), "wrong").__aenter__()
    async with aiohttp.ClientSession() as session, session.ws_connect(f"{simulator['gateway']}?v=10") as socket:
        assert (await socket.receive_json())["op"] == 10
        await socket.send_json({"op": 2, "d": {"token": "wrong", "intents": 1}})
        await socket.receive()
        assert socket.close_code == 4004


async def test_messages_arrive_from_channels_threads_and_dms(discord: DiscordPeople, stock: Stock) -> None:
    ada, channel = await discord.user("ada"), await discord.channel("hearing")
    said = await discord.say(ada, channel, "@threadline hello & <hi>")
    heard = await stock.heard.get()
    assert (str(heard.id), heard.content) == (said, f"<@{stock.application_id}> hello & <hi>")
    assert (heard.author.display_name, stock.user in heard.mentions) == ("Ada", True)
    thread = await discord.thread(ada, channel, "A talk", message=said)
    assert thread == said
    await discord.say(ada, thread, "inside", reply_to=None)
    assert getattr((await stock.heard.get()).channel, "name", "") == "A talk"
    await discord.say(ada, await discord.dm(ada), "between us")
    in_dm = await stock.heard.get()
    assert (in_dm.guild, in_dm.content) == (None, "between us")


async def test_without_message_content_only_dms_and_mentions_can_be_read(
    simulator: dict[str, Any], discord: DiscordPeople
) -> None:
    async with running(Stock(simulator, LEAN), simulator["token"]) as client:
        ada, channel = await discord.user("ada"), await discord.channel("lean")
        for text in ("nothing for you", "@threadline for you"):
            await discord.say(ada, channel, text)
        await discord.say(ada, await discord.dm(ada), "for you alone")
        heard = [(await client.heard.get()).content for _ in range(3)]
    assert heard == ["", f"<@{simulator['application']}> for you", "for you alone"]


async def test_an_intent_that_the_portal_denies_closes_with_4014(
    simulator: dict[str, Any], discord: DiscordPeople
) -> None:
    await discord.settings(privileged=[])
    with pytest.raises(PrivilegedIntentsRequired):
        await running(Stock(simulator), simulator["token"]).__aenter__()
    ada, channel = await discord.user("ada"), await discord.channel("denied")
    said = await discord.say(ada, channel, "quiet words")
    async with running(Stock(simulator, LEAN), simulator["token"]) as client:
        assert not client.application_flags.gateway_message_content_limited
        place = client.get_channel(int(channel))
        assert isinstance(place, TextChannel)
        assert (await place.fetch_message(int(said))).content == ""
    await discord.settings(privileged=["message_content"])


@pytest.mark.parametrize("how", ["reconnect", "resumable", "drop", "4000"])
async def test_a_session_is_resumed_at_its_resume_url_without_missing_messages(
    discord: DiscordPeople, stock: Stock, how: str
) -> None:
    ada, channel = await discord.user("ada"), await discord.channel(f"after-{how}")
    await discord.fault("gateway_resume", hold=True)
    identified = len([frame for frame in (await discord.state()).frames if frame.op == "identify"])
    resumed = len([frame for frame in (await discord.state()).frames if frame.op == "resume"])
    await discord.disconnect(how)
    await discord.until(lambda now: len([frame for frame in now.frames if frame.op == "resume"]) > resumed)
    texts = ["one", "two", "three"]
    for text in texts:
        await discord.say(ada, channel, text)
    await discord.release()
    assert [(await stock.heard.get()).content for _ in texts] == texts
    await stock.resumed.wait()
    frames = (await discord.state()).frames
    assert [frame for frame in frames if frame.op == "connect"][-1].data["path"] == "resume"
    assert len([frame for frame in frames if frame.op == "identify"]) == identified
    assert stock.heard.empty()


async def test_an_invalid_session_identifies_again(discord: DiscordPeople, stock: Stock) -> None:
    await discord.disconnect("invalid")
    frames = (await discord.until(lambda now: now.frames[-1].op == "identify" and now.sockets == 1)).frames
    assert [frame for frame in frames if frame.op == "connect"][-1].data["path"] == "gateway"


async def test_heartbeats_follow_the_given_interval_and_requests_and_are_acknowledged(
    simulator: dict[str, Any], discord: DiscordPeople
) -> None:
    async with running(Stock(simulator), simulator["token"]) as client:
        before = len([frame for frame in (await discord.state()).frames if frame.op == "heartbeat"])
        await discord.disconnect("beat")
        await discord.until(lambda now: len([f for f in now.frames if f.op == "heartbeat"]) == before + 1)
        assert 0 < client.latency < 60
    await discord.settings(beat_every=0.1)
    async with running(Stock(simulator), simulator["token"]):
        before = len([frame for frame in (await discord.state()).frames if frame.op == "heartbeat"])
        await discord.until(lambda now: len([f for f in now.frames if f.op == "heartbeat"]) > before + 2)
    await discord.settings(beat_every=41.25)


async def test_a_gateway_without_heartbeat_acknowledgements_is_left_and_resumed(
    simulator: dict[str, Any], discord: DiscordPeople
) -> None:
    await discord.settings(beat_every=0.1, acknowledges=False)
    async with running(Stock(simulator, heartbeat_timeout=0.5), simulator["token"]) as client:
        await discord.until(lambda now: now.frames[-1].op in ("connect", "resume"))
        await discord.settings(beat_every=41.25, acknowledges=True)
        await client.resumed.wait()


async def test_discord_py_fails_when_the_first_socket_closes_before_a_session_exists(
    simulator: dict[str, Any], discord: DiscordPeople
) -> None:
    """That is why an app that uses discord.py must supervise the connection itself."""
    await discord.fault("gateway_connect", close=1001)
    with pytest.raises(AttributeError, match="sequence"):
        async with running(Stock(simulator), simulator["token"]):
            pass


@pytest.mark.parametrize("code", [4004, 4010, 4011, 4012, 4013])
async def test_some_close_codes_are_final(simulator: dict[str, Any], discord: DiscordPeople, code: int) -> None:
    await discord.fault("gateway_identify", close=code)
    with pytest.raises(ConnectionClosed) as closed:
        await running(Stock(simulator), simulator["token"]).__aenter__()
    assert closed.value.code == code


async def test_two_sessions_both_receive_every_message(
    simulator: dict[str, Any], discord: DiscordPeople, stock: Stock
) -> None:
    ada, channel = await discord.user("ada"), await discord.channel("twice")
    async with running(Stock(simulator), simulator["token"]) as other:
        await discord.say(ada, channel, "hello")
        assert (await stock.heard.get()).content == (await other.heard.get()).content == "hello"


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        (['{"op": 99}'], 4001),
        (["{"], 4002),
        ([f'{{"op": 1, "d": "{"x" * 4096}"}}'], 4002),
        (['{"op": 3}'], 4003),
        (['{"op": 1, "d": null}'] * 121, 4008),
    ],
)
async def test_an_invalid_frame_closes_the_connection(
    simulator: dict[str, Any], discord: DiscordPeople, frames: list[str], code: int
) -> None:
    async with aiohttp.ClientSession() as session, session.ws_connect(f"{simulator['gateway']}?v=10") as socket:
        for frame in frames:
            await socket.send_str(frame)
        async for _ in socket:
            pass
        assert socket.close_code == code


@pytest.mark.parametrize(("where", "quote"), PINNED.items())
def test_every_pinned_fact_is_in_the_fact_sheet_and_in_the_simulator(
    shared_facts: Facts, where: str, quote: str
) -> None:
    assert quote in (shared_facts / "wire.md").read_text("utf-8")
    module, _, names = where.partition(".")
    place: Any = importlib.import_module(f"tests.simulators.discord.{module}")
    for name in names.split("."):
        place = getattr(place, name)
