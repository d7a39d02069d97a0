"""The command line: `threadline run`, `serve` and the rest, and the commands that adapters add."""

import asyncio
from collections.abc import Callable, Coroutine
from importlib.metadata import entry_points, version
from pathlib import Path
from typing import Any

import click
import structlog

from bot import keys as keys_of
from bot.adapter import UserError
from bot.logs import configure_logs
from bot.settings import ENV_FILE, Settings, SettingsError, load_settings, misspelled_settings
from storage.database import StorageError

PLUGINS = "threadline.commands"

log = structlog.get_logger()


class Refusal(click.ClickException):
    """The reason why the program does not start: one sentence, exit code 2."""

    exit_code = 2


class _Commands(click.Group):
    """Threadline's commands and those of the entry-point group `threadline.commands`, loaded on demand."""

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
    """Run a program to its end. Wrong settings or a wrong environment end it with one sentence, exit code 2."""
    try:
        settings = load_settings(**overrides)
        configure_logs(settings, quiet=quiet)
        if names := misspelled_settings():
            log.warning(f"{ENV_FILE} contains names that are not settings and have no effect: {names}")
        asyncio.run(program(settings))
    except* (SettingsError, UserError, StorageError) as group:
        raise Refusal(str(_first(group))) from None
    except* KeyboardInterrupt:
        pass


def at_once(work: Callable[[Settings], None]) -> None:
    """Do work that needs no event loop. An error ends it with one sentence, exit code 2."""
    try:
        work(load_settings())
    except (SettingsError, UserError, StorageError) as error:
        raise Refusal(str(error)) from None


def _first(error: BaseException) -> BaseException:
    return _first(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("threadline"), prog_name="threadline")
def main() -> None:
    """AI assistants in Slack, Discord, a web page and the terminal, with persistent conversations."""


_host = click.option("--host", help="Address to listen on (overrides HOST).")
_port = click.option("--port", type=int, help="Port to listen on (overrides PORT); 0 picks a free one.")


@main.command()
@_host
@_port
def run(host: str | None, port: int | None) -> None:
    """Run Threadline: the web page, the configured platforms and the Assistants API."""
    from bot.app import run as program

    start(program, host=host, port=port)


@main.command()
@_host
@_port
def serve(host: str | None, port: int | None) -> None:
    """Serve only the Assistants API.

    On loopback, no key is needed until the first one is created; any other address requires one.
    """
    from bot.app import serve as program

    start(program, host=host, port=port)


@main.command()
@click.argument("event")
def why(event: str) -> None:
    """Say what happened to a message, and why it was not answered.

    EVENT is the link, id or key of a message on Slack or Discord, of a person or of an answer; or the reference of a
    turn, which error messages and the log show. Messages on the page and in the terminal show no id: give their
    conversation instead, by its address on the page or its key (web:…, console:default). This explains the latest
    turns.
    """
    from bot.why import why as tell

    async def program(settings: Settings) -> None:
        story = await tell(settings, event)
        if story is None:
            raise UserError(
                f"Threadline has no record of {event}. A message has none if it never arrived, was posted while"
                " Threadline was down and not found afterwards, or was ignored too long ago. `threadline why --help`"
                " says what you can ask about."
            )
        click.echo(story)

    start(program, quiet=True)


@main.command()
def doctor() -> None:
    """Check what works on this machine and say how to fix the rest. Exits with 1 if something is wrong."""
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
    """Create, list and revoke keys for the Assistants API under /v1."""


@keys.command("create")
@click.option("--owner", required=True, help="Name of the key's owner.")
@click.option(
    "--project",
    default=keys_of.DEFAULT_PROJECT,
    show_default=True,
    help="The only project whose objects the key can see.",
)
@click.option("--read-only", is_flag=True, help="The key can read, but not change anything or start runs.")
@click.option(
    "--rate", type=click.IntRange(1), help="Requests per minute for this key (overrides API_REQUESTS_PER_MINUTE)."
)
def create_key(owner: str, project: str, read_only: bool, rate: int | None) -> None:
    """Create a key and show it. It cannot be shown again."""
    at_once(lambda settings: click.echo(keys_of.create(settings, owner, project, read_only=read_only, rate=rate)))


@keys.command("list")
def list_keys() -> None:
    """List the keys, without their secrets."""
    at_once(lambda settings: click.echo(keys_of.listed(settings)))


@keys.command("revoke")
@click.argument("key_id")
def revoke_key(key_id: str) -> None:
    """Revoke a key. It stops working within two seconds.

    `threadline keys list` shows the KEY_ID.
    """
    at_once(lambda settings: click.echo(keys_of.revoke(settings, key_id)))


@main.group()
def assistants() -> None:
    """Import assistants from another server or a file, and export them."""


_project = click.option(
    "--project", default=keys_of.DEFAULT_PROJECT, show_default=True, help="Project the objects belong to."
)
_threads = click.option(
    "--thread", "threads", multiple=True, metavar="ID", help="Also include this thread (repeatable)."
)


@assistants.command("import")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--from", "url", help="Import from a running Assistants v2 server, such as https://HOST/v1.")
@click.option("--key-env", default="", metavar="NAME", help="Environment variable that holds the server's key.")
@_threads
@_project
def import_assistants(file: Path | None, url: str | None, key_env: str, threads: tuple[str, ...], project: str) -> None:
    """Import assistants with their vector stores and files, and keep their ids.

    FILE is JSON: one assistant as an SDK dumps it, a list of them, or an export. --from imports all assistants of a
    server, the vector stores and files that they use, and the threads named by --thread. Stop Threadline first.
    """
    from bot.bring import import_from_file, import_from_server

    async def program(settings: Settings) -> None:
        if url is not None and file is None:
            click.echo(await import_from_server(settings, url, key_env, threads, project))
        elif file is not None and url is None:
            click.echo(await import_from_file(settings, file, project))
        else:
            raise UserError("Name a FILE, or a server with --from, but not both.")

    start(program, quiet=True)


@assistants.command("export")
@click.argument("file", type=click.Path(path_type=Path))
@_threads
@_project
def export_assistants(file: Path, threads: tuple[str, ...], project: str) -> None:
    """Write all assistants, vector stores and files of a project to FILE, for `import`."""
    from bot.bring import export_to

    async def program(settings: Settings) -> None:
        click.echo(await export_to(settings, file, threads, project))

    start(program, quiet=True)
