"""The command line: `threadline run`, `serve`, and the commands that adapters bring."""

import asyncio
from collections.abc import Callable, Coroutine
from importlib.metadata import entry_points, version
from pathlib import Path
from typing import Any

import click

from bot import keys as keys_of
from bot.adapter import UserError
from bot.logs import configure_logs
from bot.settings import Settings, SettingsError, load_settings
from storage.database import StorageError

PLUGINS = "threadline.commands"


class Refusal(click.ClickException):
    """Why the program does not start: one sentence, exit code 2."""

    exit_code = 2


class _Commands(click.Group):
    """Our own commands, and those of the entry-point group `threadline.commands`, loaded when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *(point.name for point in entry_points(group=PLUGINS))})

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if (own := super().get_command(ctx, name)) is not None:
            return own
        for point in entry_points(group=PLUGINS, name=name):
            command: click.Command = point.load()
            return command
        return None


def start(program: Callable[[Settings], Coroutine[Any, Any, None]], *, quiet: bool = False, **overrides: Any) -> None:
    """Run a program to its end. What is wrong with its settings or surroundings is one sentence, exit code 2."""
    try:
        settings = load_settings(**overrides)
        configure_logs(settings, quiet=quiet)
        asyncio.run(program(settings))
    except* (SettingsError, UserError, StorageError) as group:
        raise Refusal(str(_first(group))) from None
    except* KeyboardInterrupt:
        pass


def at_once(work: Callable[[Settings], None]) -> None:
    """Do something that needs no loop. What is wrong is one sentence, exit code 2."""
    try:
        work(load_settings())
    except (SettingsError, UserError, StorageError) as error:
        raise Refusal(str(error)) from None


def _first(error: BaseException) -> BaseException:
    return _first(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("threadline"), prog_name="threadline")
def main() -> None:
    """Assistants where people already talk."""


_host = click.option("--host", help="Address to listen on (HOST).")
_port = click.option("--port", type=int, help="Port to listen on (PORT); 0 takes a free one.")


@main.command()
@_host
@_port
def run(host: str | None, port: int | None) -> None:
    """Run the bot: the page, the platforms that are configured, and the embedded service."""
    from bot.app import run as program

    start(program, host=host, port=port)


@main.command()
@_host
@_port
def serve(host: str | None, port: int | None) -> None:
    """Serve the Assistants API alone, to any client that has a key; on loopback keys may be left out."""
    from bot.app import serve as program

    start(program, host=host, port=port)


@main.command()
@click.argument("event")
def why(event: str) -> None:
    """Say what became of a message: EVENT is its link, its id, its key, or the reference from an apology."""
    from bot.why import why as tell

    async def program(settings: Settings) -> None:
        story = await tell(settings, event)
        if story is None:
            raise UserError(
                f"Nothing is known of {event}: it never came here, it was said while Threadline was away and not found"
                " afterwards, or it was ignored too long ago to be remembered."
            )
        click.echo(story)

    start(program, quiet=True)


@main.command()
def doctor() -> None:
    """Say what works on this machine and what does not, with the cure; exit code 1 where something is wrong."""
    from bot.doctor import examine, is_well

    async def program(settings: Settings) -> None:
        found = await examine(settings)
        for finding in found:
            click.echo(str(finding))
        if not is_well(found):
            raise click.exceptions.Exit(1)

    start(program, quiet=True)


@main.group()
def keys() -> None:
    """The keys of the API under /v1: who may call it, and whose objects they see."""


@keys.command("create")
@click.option("--owner", required=True, help="Who gets it: a name you will know again.")
@click.option("--project", default=keys_of.DEFAULT_PROJECT, help="Whose objects it sees; others do not exist for it.")
@click.option("--read-only", is_flag=True, help="It changes nothing and starts no runs.")
@click.option("--rate", type=click.IntRange(1), help="Its own limit of requests a minute.")
def create_key(owner: str, project: str, read_only: bool, rate: int | None) -> None:
    """Make a key and show it, this once."""
    at_once(lambda settings: click.echo(keys_of.create(settings, owner, project, read_only=read_only, rate=rate)))


@keys.command("list")
def list_keys() -> None:
    """Show the keys there are, without what opens anything."""
    at_once(lambda settings: click.echo(keys_of.listed(settings)))


@keys.command("revoke")
@click.argument("key_id")
def revoke_key(key_id: str) -> None:
    """Let a key open nothing any more, from some seconds on; KEY_ID is shown by `threadline keys list`."""
    at_once(lambda settings: click.echo(keys_of.revoke(settings, key_id)))


@main.group()
def assistants() -> None:
    """Bring assistants from another server, or take them to one."""


_project = click.option("--project", default=keys_of.DEFAULT_PROJECT, help="Whose they are, as keys have it.")
_threads = click.option("--thread", "threads", multiple=True, metavar="ID", help="A thread, too; may be given again.")


@assistants.command("import")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--from", "url", help="A running Assistants-v2 server, such as https://HOST/v1.")
@click.option("--key-env", default="", metavar="NAME", help="The environment variable that holds its key.")
@_threads
@_project
def import_assistants(file: Path | None, url: str | None, key_env: str, threads: tuple[str, ...], project: str) -> None:
    """Bring in assistants with what they work with, and keep their ids.

    FILE is JSON: an assistant as an SDK dumps it, a list of them, or an export. With --from they are asked of a server:
    all assistants, the vector stores and files they name, and threads by their ids. Threadline must not be running.
    """
    from bot.bring import import_from_file, import_from_server

    async def program(settings: Settings) -> None:
        if url is not None and file is None:
            click.echo(await import_from_server(settings, url, key_env, threads, project))
        elif file is not None and url is None:
            click.echo(await import_from_file(settings, file, project))
        else:
            raise UserError("Name a FILE, or a server with --from; one of the two.")

    start(program, quiet=True)


@assistants.command("export")
@click.argument("file", type=click.Path(path_type=Path))
@_threads
@_project
def export_assistants(file: Path, threads: tuple[str, ...], project: str) -> None:
    """Write all assistants, vector stores and files of a project to FILE, which import reads."""
    from bot.bring import export_to

    async def program(settings: Settings) -> None:
        click.echo(await export_to(settings, file, threads, project))

    start(program, quiet=True)
