"""The console adapter: conversations held in a terminal, with `threadline chat`."""

from bot.local import LocalAdapter

__all__ = ["ConsoleAdapter"]


class ConsoleAdapter(LocalAdapter):
    """Conversations of a terminal. The terminal itself is a client of the page's API, so both can show the same one."""

    name = "console"
