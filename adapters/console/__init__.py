"""The console adapter: conversations in a terminal, with `threadline chat`."""

from bot.local import LocalAdapter

__all__ = ["ConsoleAdapter"]


class ConsoleAdapter(LocalAdapter):
    """The adapter for terminals. A terminal is a client of the page's API, so both can show the same conversation."""

    name = "console"
