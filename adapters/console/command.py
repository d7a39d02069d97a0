"""`threadline chat`: a conversation in a terminal, through the running server or one of its own."""

import click

from adapters.console.terminal import Terminal
from bot.app import reach
from bot.cli import start
from bot.settings import Settings


@click.command()
@click.option("--conversation", default="console:default", show_default=True, help="The conversation to continue.")
@click.option("--new", is_flag=True, help="Start a new conversation.")
def chat(conversation: str, new: bool) -> None:
    """Chat in this terminal. `/assistant list` shows the assistants, `/quit` leaves.

    Conversations of the page (web:…) can be continued here, and conversations of the terminal on the page.
    """

    async def program(settings: Settings) -> None:
        async with reach(settings, only=("web", "console")) as url:
            token = settings.threadline_admin_token.get_secret_value()
            async with Terminal(url, token) as terminal:
                await terminal.talk(conversation, new=new)

    start(program, quiet=True)
