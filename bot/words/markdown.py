"""The one Markdown parser, from whose tokens the text for every platform is written."""

import functools
import re
from collections.abc import Sequence

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from bot.words.maths import FORMULA, readable

_SCHEMES = ("http://", "https://", "mailto:")


class Markdown(MarkdownIt):
    """CommonMark with tables, strikethrough and formulas. HTML is plain text; links are http, https or mailto."""

    def __init__(self, *, renderer_cls: type[RendererHTML] = RendererHTML, **options: object) -> None:
        super().__init__("commonmark", {"html": False, **options}, renderer_cls=renderer_cls)
        self.enable(["table", "strikethrough"])
        # Before escapes, so that `\(x\)` is a formula.
        self.inline.ruler.before("escape", "formula", _formula)

    def validateLink(self, url: str) -> bool:  # noqa: N802 - the library's name
        return url.lower().startswith(_SCHEMES)


def _formula(state: StateInline, silent: bool) -> bool:
    found = FORMULA.match(state.src, state.pos, state.posMax) if state.src[state.pos] in "\\$" else None
    if found is None:
        return False
    if not silent:
        state.push("text", "", 0).content = readable(found.group())
    state.pos = found.end()
    return True


READER = Markdown()
_OUTLINER = Markdown()
_OUTLINER.core.ruler.disable("inline")


# Cached, because splitting a text and writing it parse it several times in a row.
@functools.lru_cache(maxsize=16)
def parse(text: str) -> Sequence[Token]:
    """The tokens of a text; block tokens have their lines in `map`."""
    return READER.parse(text)


@functools.lru_cache(maxsize=16)
def outline(text: str) -> Sequence[Token]:
    """The same block tokens without what their lines contain, which takes most of the time to parse."""
    return _OUTLINER.parse(text)


_LINE = re.compile(r"\r\n|\n|\r")


def line_starts(text: str) -> list[int]:
    """The start of each line as the parser counts lines, and the end of the text."""
    starts = [0, *(found.end() for found in _LINE.finditer(text))]
    return starts if starts[-1] == len(text) else [*starts, len(text)]


def words_of(inline: Token) -> str:
    """The text of a line of Markdown without its marks; the address of a link follows its text."""
    said: list[str] = []
    for token in inline.children or []:
        if token.type in ("text", "code_inline"):
            said.append(token.content)
        elif token.type == "image":
            said.append(f"{token.content} ({token.attrs['src']})")
        elif token.type in ("softbreak", "hardbreak"):
            said.append(" ")
        elif token.type == "link_open":
            address = str(token.attrs["href"])
        elif token.type == "link_close" and address not in "".join(said):
            said.append(f" ({address})")
    return "".join(said)
