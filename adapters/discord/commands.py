"""`/assistant` on Discord: use, list, new, stop, regenerate and ask."""

import asyncio
import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import aiohttp
import discord
import structlog
from discord import app_commands

from adapters.discord.acknowledging import Acknowledging
from adapters.discord.errors import as_platform_errors
from adapters.discord.incoming import from_ask, from_command
from adapters.discord.render import private
from bot.adapter import Bot, NotClaimedError, PlatformError
from bot.incoming import Command
from bot.views import DONE_ALREADY, NOT_DONE, AssistantChoice

SORRY = "Sorry, that did not work; please try again."
# Discord's limits for the choices it offers.
CHOICES, CHOICE = 25, 100
# Discord waits three seconds for an acknowledgement. A command has the first of these to be stored.
STORED_FIRST, ACKNOWLEDGED = 1.5, 3.0
# Discord shows that a command is being answered until it is; seconds for this when the program shuts down.
LEAVING = 3.0
# The fields that define a command; Discord adds others of its own.
_ESSENCE = ("name", "description", "type", "required", "autocomplete", "options", "contexts", "integration_types")

log = structlog.get_logger()


class Commands(app_commands.CommandTree[discord.Client]):
    """The commands of one connection."""

    def __init__(
        self,
        client: discord.Client,
        bot: Bot,
        assistants: Sequence[AssistantChoice],
        acknowledging: Acknowledging,
    ) -> None:
        super().__init__(
            client,
            allowed_contexts=app_commands.AppCommandContext(guild=True, dm_channel=True),
            allowed_installs=app_commands.AppInstallationType(guild=True),
        )
        self._group = AssistantGroup(bot, assistants, acknowledging)
        self.add_command(self._group)

    async def offer(self) -> bool:
        """Register the commands unless they are registered already; Discord limits changes per day.

        Return whether a change was needed.
        """
        ours = [essence(command.to_dict(self)) for command in self.get_commands()]
        # Read as JSON, because discord.py's objects leave out the installation contexts.
        known = await self.client.http.get_global_commands(self.client.application_id or 0)
        theirs = [essence(command) for command in known]
        if ours == theirs:
            return False
        await self.sync()
        return True

    async def finish(self) -> None:
        """Let the commands in progress answer, for `LEAVING` seconds at most."""
        if self._group.running:
            await asyncio.wait(self._group.running, timeout=LEAVING)

    async def on_error(self, interaction: discord.Interaction, error: app_commands.AppCommandError, /) -> None:
        log.error("command failed", command=interaction.id, exc_info=error.__cause__ or error)
        try:
            await interaction.edit_original_response(content=SORRY)
        except (discord.HTTPException, aiohttp.ClientError, OSError) as refused:
            log.warning("could not report that a command failed", error=str(refused))


class AssistantGroup(app_commands.Group):
    """`/assistant …`. Its choices are kept in memory, because Discord waits only three seconds for them.

    `running` has a future for each command in progress.
    """

    def __init__(self, bot: Bot, assistants: Sequence[AssistantChoice], acknowledging: Acknowledging) -> None:
        super().__init__(name="assistant", description="Assistants that answer here")
        self.running: set[asyncio.Future[None]] = set()
        self._bot = bot
        self._assistants = assistants
        self._acknowledging = acknowledging

    @app_commands.command(description="Pick the assistant that answers you")
    @app_commands.describe(name="The assistant's name")
    async def use(self, interaction: discord.Interaction, name: str) -> None:
        await self._answer(interaction, f"use {name}")

    @use.autocomplete("name")
    async def _names(self, _: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        return choices(self._assistants, typed)

    @app_commands.command(name="list", description="Show the assistants")
    async def list_(self, interaction: discord.Interaction) -> None:
        await self._answer(interaction, "list")

    @app_commands.command(description="Start a new conversation here")
    async def new(self, interaction: discord.Interaction) -> None:
        await self._answer(interaction, "new")

    @app_commands.command(description="Stop the answer in progress here")
    async def stop(self, interaction: discord.Interaction) -> None:
        await self._answer(interaction, "stop")

    @app_commands.command(description="Answer the last question here again")
    async def regenerate(self, interaction: discord.Interaction) -> None:
        await self._answer(interaction, "regenerate")

    @app_commands.command(description="Ask a question; everyone here sees the answer")
    @app_commands.describe(question="What you want to know")
    async def ask(self, interaction: discord.Interaction, question: str) -> None:
        with self._in_progress():
            with self._acknowledging.pending(str(interaction.id)):
                storing = asyncio.ensure_future(self._bot.receive(from_ask(interaction, question)))
                shown = await _acknowledged(interaction, storing)
            try:
                receipt = await storing
            except NotClaimedError as error:
                log.warning("question not stored", error=str(error))
                words = NOT_DONE
            else:
                words = f"Nothing to answer: {receipt.reason}." if receipt.outcome == "ignored" else ""
            if words:
                await _tell(interaction, words, shown=shown)

    async def _answer(self, interaction: discord.Interaction, text: str) -> None:
        """Run a command and show its answer to its author only."""
        with self._in_progress():
            running = asyncio.ensure_future(self._bot.command(_command(interaction, text)))
            shown = await _acknowledged(interaction, running, ephemeral=True)
            try:
                words = (await running).text
            except NotClaimedError:
                words = NOT_DONE
            # Whoever acknowledged a command that is delivered again answers it, too.
            if shown or words != DONE_ALREADY:
                await _tell(interaction, words, shown=shown)

    @contextlib.contextmanager
    def _in_progress(self) -> Iterator[None]:
        ended = asyncio.get_running_loop().create_future()
        self.running.add(ended)
        try:
            yield
        finally:
            ended.set_result(None)
            self.running.discard(ended)


def choices(assistants: Sequence[AssistantChoice], typed: str) -> list[app_commands.Choice[str]]:
    """The assistants whose name or title contains what was typed."""
    wanted = typed.strip().casefold()
    found = [one for one in assistants if wanted in one.name.casefold() or wanted in one.title.casefold()]
    return [app_commands.Choice(name=one.title[:CHOICE], value=one.name[:CHOICE]) for one in found[:CHOICES]]


def essence(command: Mapping[str, Any]) -> dict[str, Any]:
    """A command without the fields that Discord adds, and without empty ones."""
    kept = {key: command[key] for key in _ESSENCE if command.get(key)}
    if options := kept.get("options"):
        kept["options"] = [essence(option) for option in options]
    return kept


def _command(interaction: discord.Interaction, text: str) -> Command:
    """Convert a command. In a channel it concerns the person, as on platforms whose commands do not name a thread.

    Only `new` concerns the channel's own conversation, which is the one that `ask` uses there.
    """
    command = from_command(interaction, text)
    in_channel = interaction.guild_id is not None and command.place.thread is None
    return replace(command, place=replace(command.place, key="")) if in_channel and text != "new" else command


async def _acknowledged(
    interaction: discord.Interaction, storing: asyncio.Future[Any], *, ephemeral: bool = False
) -> bool:
    """Show that the bot is thinking, as soon as a command is stored; return whether Discord confirmed it.

    Discord does not redeliver commands. One that is stored takes effect even if the program is killed here, and one
    that is not stored is not acknowledged, so that its author sees that it did not respond.
    """
    await asyncio.wait([storing], timeout=STORED_FIRST)
    try:
        with as_platform_errors("acknowledge a command"):
            async with asyncio.timeout(ACKNOWLEDGED):
                await interaction.response.defer(thinking=True, ephemeral=ephemeral)
    except PlatformError as error:
        # It was too late, or only the response was lost, or the command was delivered again after a lost connection.
        log.warning("command not acknowledged", command=interaction.id, error=str(error))
        return False
    return True


async def _tell(interaction: discord.Interaction, words: str, *, shown: bool) -> None:
    """Answer a command; unless the bot is `shown` thinking, nothing may be there to answer into."""
    first, *others = private(words)
    try:
        with as_platform_errors("answer a command"):
            await interaction.edit_original_response(content=first, allowed_mentions=discord.AllowedMentions.none())
            for part in others:
                await interaction.followup.send(part, ephemeral=True, suppress_embeds=True)
    except PlatformError as error:
        if shown:
            raise
        log.warning("command not answered", command=interaction.id, error=str(error))
