"""A model's Markdown on a terminal, through rich: harmless, with links that say where they lead. Pure."""

import re

from rich.markdown import Markdown

from bot.words.rewrite import Dialect

# Whatever a terminal would take for an order: colours, titles, the clipboard.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_DIALECT = Dialect()


def renderable(markdown: str) -> Markdown:
    """What rich prints."""
    return Markdown(_DIALECT.write(_CONTROL.sub("", markdown)), hyperlinks=False, code_theme="ansi_dark")
