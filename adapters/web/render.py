"""Renders a model's Markdown as HTML that is safe to put into the page, also while it grows."""

import functools
import re
from collections.abc import MutableMapping, Sequence

from markdown_it.common.utils import escapeHtml
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import OptionsDict

from bot.words.growing import Blocks
from bot.words.links import shows_another
from bot.words.markdown import Markdown
from bot.words.pages import Pages, Paper

_Env = MutableMapping[str, object]

# A longer block is rendered in pieces, so that it need not be rendered whole for each new word.
ROOM = 4_000
# A complete line, or the end of a fence.
_ENDED = re.compile(r"(?:\A|\n)[ \t>]*[`~]*\Z")
_LINE_OF_CODE = "\n</code></pre>"
_APART = {"rel": "noopener noreferrer", "target": "_blank"}


def html(markdown: str, *, growing: bool = False) -> str:
    """Render CommonMark with tables and strikethrough. HTML and images are not rendered; links open a new page.

    `growing` renders unfinished markup (`**bol`, `[a link](https://exa`) as what it is about to become.
    """
    return GrowingHtml().of(markdown) if growing else _whole(markdown)


class GrowingHtml:
    """The HTML of one text as it grows. Only the last block is rendered again.

    A list, table or fence of more than `ROOM` characters is rendered in pieces while it grows, so that the total time
    stays linear.
    """

    def __init__(self) -> None:
        self._pages = Pages(Paper(ROOM, str))
        self._begin()

    def _begin(self) -> None:
        self._full: list[str] = []
        self._written: list[str] = []
        self._blocks = Blocks(_line)

    def of(self, markdown: str) -> str:
        return "".join(self.blocks(markdown)).removesuffix("\n")

    def blocks(self, markdown: str) -> list[str]:
        """The HTML in pieces that are complete by themselves; as a text grows, only the last ones change."""
        *full, last = [part.written for part in self._pages.grow(markdown)] or [""]
        if full[: len(self._full)] != self._full:
            self._begin()
        for text in full[len(self._full) :]:
            self._full.append(text)
            self._written.append(_line(text))
            self._blocks = Blocks(_line)
        at = self._blocks.settle(last)
        growing = _whole(last[at:])
        if growing.endswith(_LINE_OF_CODE) and not _ENDED.search(markdown):
            # The line continues; without this newline, a selection in it stays.
            growing = growing.removesuffix(_LINE_OF_CODE) + _LINE_OF_CODE.lstrip()
        return [*self._written, *self._blocks.pieces, growing]


class _Renderer(RendererHTML):
    # The language of a fence would become a CSS class of the author's choice.
    fence = RendererHTML.code_block

    def link_open(self, tokens: Sequence[Token], at: int, options: OptionsDict, env: _Env) -> str:
        tokens[at].attrs |= _APART
        return self.renderToken(tokens, at, options, env)

    def link_close(self, tokens: Sequence[Token], at: int, _: OptionsDict, __: _Env) -> str:
        """The end of a link, followed by its address if its text shows another one."""
        opened = next(n for n in range(at, -1, -1) if tokens[n].type == "link_open")
        words = "".join(token.content for token in tokens[opened:at] if token.type in ("text", "code_inline"))
        address = str(tokens[opened].attrs["href"])
        return f"</a> ({escapeHtml(address)})" if shows_another(words, address) else "</a>"

    def image(self, tokens: Sequence[Token], at: int, _: OptionsDict, __: _Env) -> str:
        """An image as a link to it, because loading it would tell a stranger who reads here, and when."""
        address = escapeHtml(str(tokens[at].attrs["src"]))
        words = escapeHtml(tokens[at].content) or address
        opened = sum(token.nesting for token in tokens[:at] if token.type in ("link_open", "link_close"))
        if opened:
            return words
        return f'<a href="{address}" rel="noopener noreferrer" target="_blank">{words}</a>'

    def bullet_list_open(self, tokens: Sequence[Token], at: int, options: OptionsDict, env: _Env) -> str:
        """A list whose bullets are on the side where its language begins a line."""
        tokens[at].attrs["dir"] = "auto"
        return self.renderToken(tokens, at, options, env)

    ordered_list_open = blockquote_open = bullet_list_open

    def heading_open(self, tokens: Sequence[Token], at: int, _: OptionsDict, __: _Env) -> str:
        return f"<{_lower(tokens[at])}>"

    def heading_close(self, tokens: Sequence[Token], at: int, _: OptionsDict, __: _Env) -> str:
        return f"</{_lower(tokens[at])}>\n"

    def table_open(self, *_: object) -> str:
        return '<div class="table"><table>\n'

    def table_close(self, *_: object) -> str:
        return "</table></div>\n"

    def th_open(self, tokens: Sequence[Token], at: int, options: OptionsDict, env: _Env) -> str:
        # The page's policy forbids style attributes.
        if style := tokens[at].attrs.pop("style", None):
            tokens[at].attrs["class"] = str(style).removeprefix("text-align:")
        return self.renderToken(tokens, at, options, env)

    td_open = th_open


def _lower(heading: Token) -> str:
    """The level of an answer's heading, below the page's own headings, which go down to h3."""
    return f"h{min(int(heading.tag[1:]) + 3, 6)}"


_MARKDOWN = Markdown(breaks=True, renderer_cls=_Renderer)


def _line(markdown: str) -> str:
    written = _whole(markdown)
    return f"{written}\n" if written else ""


@functools.lru_cache(maxsize=2_048)
def _whole(markdown: str) -> str:
    return str(_MARKDOWN.render(markdown)).strip()
