"""Commands, buttons and forms of the simulator, as real discord.py registers, receives and answers them."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import discord as library
import pytest
from discord import HTTPException, Interaction, NotFound, app_commands, ui

from tests.discord.stock import Stock, running
from tests.simulators.discord.client import DiscordPeople

Asked = Interaction[Any]


class Form(ui.Modal, title="A form"):
    words: ui.TextInput["Form"] = ui.TextInput(label="Words", custom_id="words")

    async def on_submit(self, interaction: Interaction[Any]) -> None:
        await interaction.response.send_message(f"written: {self.words.value}")


class Buttons(ui.View):
    def __init__(self) -> None:
        super().__init__(timeout=None)

    @ui.button(label="Change", custom_id="change")
    async def change(self, interaction: Asked, _: ui.Button["Buttons"]) -> None:
        await interaction.response.edit_message(content=f"changed by {interaction.user.name}")

    @ui.button(label="Form", custom_id="form")
    async def form(self, interaction: Asked, _: ui.Button["Buttons"]) -> None:
        await interaction.response.send_modal(Form())

    @ui.select(custom_id="select", options=[library.SelectOption(label=name) for name in "abc"])
    async def select(self, interaction: Asked, chosen: ui.Select["Buttons"]) -> None:
        await interaction.response.send_message(f"chose {chosen.values}", ephemeral=True)


async def _names(interaction: Asked, current: str) -> list[app_commands.Choice[str]]:
    names = [name for name in ("Ada's helper", "Small talk") if current in name]
    return [app_commands.Choice(name=name, value=name) for name in names]


@app_commands.autocomplete(name=_names)
async def _use(interaction: Asked, name: str, loudly: bool = False) -> None:
    await interaction.response.send_message(f"using {name}, {loudly}")


async def _ask(interaction: Asked, question: str) -> None:
    await interaction.response.defer(thinking=True)
    await interaction.edit_original_response(content=f"answer to {question}")
    await interaction.followup.send("and more", file=library.File(__file__, filename="more.py"))


async def _whisper(interaction: Asked) -> None:
    await interaction.response.send_message("psst", ephemeral=True)
    await interaction.followup.send("psst, too", ephemeral=True)


async def _buttons(interaction: Asked) -> None:
    await interaction.response.send_message("press", view=Buttons())


async def _keep(interaction: Asked) -> None:
    await interaction.client.asked.put(interaction)


class Commanding(Stock):
    """A client with commands. Each interaction it is asked to keep is kept in `asked`, unanswered."""

    def __init__(self, where: dict[str, Any]) -> None:
        super().__init__(where)
        self.asked: asyncio.Queue[Asked] = asyncio.Queue()
        group = app_commands.Group(name="assistant", description="Assistants")
        group.command(name="use", description="Choose")(_use)
        self.tree.add_command(group)
        self.tree.command(name="ask", description="A command")(_ask)
        self.tree.command(name="whisper", description="A command")(_whisper)
        self.tree.command(name="buttons", description="A command")(_buttons)
        self.tree.command(name="keep", description="A command")(_keep)

    async def setup_hook(self) -> None:
        await self.tree.sync()


@pytest.fixture
async def stock(simulator: dict[str, Any], discord: DiscordPeople) -> AsyncIterator[Commanding]:
    """A client with commands, connected."""
    client = Commanding(simulator)
    async with running(client, simulator["token"]):
        yield client
    await discord.until(lambda now: now.sockets == 0)


@pytest.fixture
async def ada(discord: DiscordPeople, stock: Commanding) -> str:
    return await discord.user("ada")


@pytest.fixture
async def channel(discord: DiscordPeople, stock: Commanding) -> str:
    return await discord.channel("commands")


async def test_commands_are_registered_and_keep_their_ids(discord: DiscordPeople, stock: Commanding) -> None:
    fetched = {command.name: command.id for command in await stock.tree.fetch_commands()}
    assert set(fetched) == {"assistant", "ask", "whisper", "buttons", "keep"}
    stock.tree.remove_command("keep")
    assert {command.name: command.id for command in await stock.tree.sync()} == {
        name: id_ for name, id_ in fetched.items() if name != "keep"
    }


async def test_too_many_options_are_refused(stock: Commanding) -> None:
    options = [{"name": f"option{number}", "description": "x", "type": 3} for number in range(26)]
    payload: Any = {"name": "many", "description": "x", "type": 1, "options": options}
    with pytest.raises(HTTPException, match="25 or fewer"):
        await stock.http.bulk_upsert_global_commands(stock.application_id or 0, payload=[payload])


async def test_a_typed_command_is_answered(discord: DiscordPeople, ada: str, channel: str) -> None:
    asked = await discord.command(ada, channel, "/assistant use Small talk")
    state = await discord.state()
    answer = next(message for message in state.messages if message.id == asked.original)
    assert (answer.content, answer.type, answer.interaction) == ("using Small talk, False", 20, asked.id)
    asked = await discord.command(ada, await discord.dm(ada), "/assistant use", name="x", loudly=True)
    assert [one.content for one in await discord.said(asked.channel)] == ["using x, True"]


async def test_invalid_command_input_is_not_sent(discord: DiscordPeople, ada: str, channel: str) -> None:
    for text, why in (("/nothing", "no command"), ("/assistant fly", "Choose from use"), ("/ask", "needs question")):
        with pytest.raises(LookupError, match=why):
            await discord.command(ada, channel, text)


async def test_choices_are_suggested_while_a_person_types(discord: DiscordPeople, ada: str, channel: str) -> None:
    assert await discord.complete(ada, channel, "/assistant use", "name") == ["Ada's helper", "Small talk"]
    assert await discord.complete(ada, channel, "/assistant use Sm", "name") == ["Small talk"]


async def test_an_answer_may_be_deferred_and_followed_up(discord: DiscordPeople, ada: str, channel: str) -> None:
    asked = await discord.command(ada, channel, "/ask what is this?")
    assert asked.response == 5
    state = await discord.until(lambda now: any(one.content == "and more" for one in now.messages))
    said = [one for one in state.messages if one.channel == channel]
    assert [(one.content, one.flags, one.versions) for one in said] == [
        ("answer to what is this?", 0, ["", "answer to what is this?"]),
        ("and more", 0, ["and more"]),
    ]
    assert said[1].attachments[0]["filename"] == "more.py"


async def test_an_ephemeral_answer_is_shown_to_one_person(
    discord: DiscordPeople, stock: Commanding, ada: str, channel: str
) -> None:
    await discord.command(ada, channel, "/whisper")
    state = await discord.until(lambda now: any(one.content == "psst, too" for one in now.messages))
    assert [one.only_for for one in state.messages if one.channel == channel] == [ada, ada]
    place = await stock.fetch_channel(int(channel))
    assert isinstance(place, library.TextChannel)
    assert [message async for message in place.history()] == []
    await discord.say(ada, channel, "told in order")
    await stock.heard.get()
    assert [message.content for message in stock.cached_messages] == ["told in order"]


async def test_an_interaction_fails_after_three_seconds(
    discord: DiscordPeople, stock: Commanding, ada: str, channel: str
) -> None:
    asking = asyncio.create_task(discord.command(ada, channel, "/keep"))
    interaction = await stock.asked.get()
    await discord.clock(advance=3.1)
    assert (await asking).failed
    with pytest.raises(NotFound) as late:
        await interaction.response.send_message("late")
    assert late.value.code == 10062


async def test_an_interaction_is_acknowledged_once(
    discord: DiscordPeople, stock: Commanding, ada: str, channel: str
) -> None:
    asking = asyncio.create_task(discord.command(ada, channel, "/keep"))
    interaction = await stock.asked.get()
    url = library.http.Route(
        "POST",
        "/interactions/{id}/{token}/callback",
        id=interaction.id,
        token=interaction.token,
    )
    await stock.http.request(url, json={"type": 5})
    assert not (await asking).failed
    with pytest.raises(HTTPException) as twice:
        await stock.http.request(url, json={"type": 5})
    assert twice.value.code == 40060


async def test_an_interaction_token_expires_after_fifteen_minutes(
    discord: DiscordPeople, stock: Commanding, ada: str, channel: str
) -> None:
    asking = asyncio.create_task(discord.command(ada, channel, "/keep"))
    interaction = await stock.asked.get()
    with pytest.raises(NotFound) as early:
        await interaction.followup.send("early")
    assert early.value.code == 10015
    await interaction.response.defer(thinking=True)
    await asking
    await discord.clock(advance=901)
    with pytest.raises(HTTPException) as expired:
        await interaction.edit_original_response(content="too late")
    assert expired.value.code == 50027


async def test_the_first_follow_up_replaces_the_deferred_response(
    discord: DiscordPeople, stock: Commanding, ada: str, channel: str
) -> None:
    asking = asyncio.create_task(discord.command(ada, channel, "/keep"))
    interaction = await stock.asked.get()
    await interaction.response.defer(thinking=True, ephemeral=True)
    await interaction.followup.send("here")
    asked = await asking
    said = [one for one in (await discord.state()).messages if one.channel == channel]
    assert [(one.id, one.content, one.only_for) for one in said] == [(asked.original, "here", ada)]
    await interaction.delete_original_response()
    assert [one for one in (await discord.state()).messages if one.channel == channel] == []


async def test_a_user_installed_app_can_follow_up_five_times(
    discord: DiscordPeople, stock: Commanding, ada: str, channel: str
) -> None:
    asking = asyncio.create_task(discord.command_user_installed(ada, channel, "/keep"))
    interaction = await stock.asked.get()
    assert interaction.is_user_integration()
    await interaction.response.send_message("first")
    await asking
    for number in range(5):
        await interaction.followup.send(f"more {number}")
    with pytest.raises(HTTPException) as refused:
        await interaction.followup.send("too much")
    assert refused.value.code == 40094


async def test_buttons_selects_and_forms_can_be_used(discord: DiscordPeople, ada: str, channel: str) -> None:
    asked = await discord.command(ada, channel, "/buttons")
    assert asked.original is not None
    await discord.press(ada, asked.original, "change")
    assert (await discord.said(channel))[0].content == "changed by ada"
    await discord.press(ada, asked.original, "select", values=["b"])
    assert (await discord.said(channel))[1].content == "chose ['b']"
    opened = await discord.press(ada, asked.original, "form")
    assert opened.modal is not None
    assert opened.modal["title"] == "A form"
    await discord.submit(ada, opened.id, words="hello")
    assert (await discord.said(channel))[2].content == "written: hello"
    with pytest.raises(LookupError, match="No form"):
        await discord.submit(ada, opened.id, words="again")


async def test_a_click_on_a_removed_button_reaches_the_app(
    discord: DiscordPeople, stock: Commanding, ada: str, channel: str
) -> None:
    asked = await discord.command(ada, channel, "/buttons")
    assert asked.original is not None
    pressing = asyncio.create_task(discord.press(ada, asked.original, "stale"))
    await discord.until(lambda now: now.interactions[-1].data.get("custom_id") == "stale")
    await discord.clock(advance=3.1)
    assert (await pressing).failed
