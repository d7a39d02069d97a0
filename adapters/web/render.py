"""A model's Markdown as HTML that is safe to put into the page, also while it still grows."""

import functools
import re
from collections.abc import MutableMapping, Sequence

from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import OptionsDict

_Env = MutableMapping[str, object]

_SCHEMES = ("http://", "https://", "mailto:")
_APART = {"rel": "noopener noreferrer", "target": "_blank"}

# A last line of nothing but marks may yet become a list, a rule, an underlined heading, a fence, the second line of a
# table: it waits for its next character.
_UNDECIDED = re.compile(r"(?:\A|(?<=\n))(?=.)(?:[-+=*_#>`~|: \t]+|[ \t]*\d{1,9}[.)]?[ \t]*)\Z")
_HALF_LINK = re.compile(r"!?\[([^\[\]]*)(?:\](?:\([^()\s]*)?)?\Z")
_HEAD_OF_TABLE = re.compile(r"(?:\A|\n)\| [^\n]*\Z")
_MARK = re.compile(r"\\.|(?P<code>`+)|(?P<run>\*{1,3}|_{1,3}|~~)", re.DOTALL)


def html(markdown: str, *, growing: bool = False) -> str:
    """CommonMark with tables and strikethrough. No HTML and no image of the author's survives; links leave the page.

    `growing` shows what is half written (`**bol`, `[a link](https://exa`) as what it is about to become.
    """
    return _render(_UNDECIDED.sub("", markdown)) if growing else _whole(markdown)


class _Markdown(MarkdownIt):
    def validateLink(self, url: str) -> bool:  # noqa: N802 - the library's name
        return url.lower().startswith(_SCHEMES)


class _Renderer(RendererHTML):
    # The words for a language would be a class of the author's choice.
    fence = RendererHTML.code_block

    def link_open(self, tokens: Sequence[Token], at: int, options: OptionsDict, env: _Env) -> str:
        tokens[at].attrs |= _APART
        return self.renderToken(tokens, at, options, env)

    def image(self, tokens: Sequence[Token], at: int, _: OptionsDict, __: _Env) -> str:
        """Its words, as a link unless they stand in one: an image would tell a stranger who reads here, and when."""
        address = escapeHtml(str(tokens[at].attrs["src"]))
        words = escapeHtml(tokens[at].content) or address
        opened = sum(token.nesting for token in tokens[:at] if token.type in ("link_open", "link_close"))
        if opened:
            return words
        return f'<a href="{address}" rel="noopener noreferrer" target="_blank">{words}</a>'

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
    """An answer's headings stand below the page's own, which go down to h3."""
    return f"h{min(int(heading.tag[1:]) + 3, 6)}"


_MARKDOWN = _Markdown("commonmark", {"html": False, "breaks": True}, renderer_cls=_Renderer)
_MARKDOWN.enable(["table", "strikethrough"])


@functools.lru_cache(maxsize=512)
def _whole(markdown: str) -> str:
    return str(_MARKDOWN.render(markdown)).strip()


def _render(markdown: str) -> str:
    tokens = _MARKDOWN.parse(markdown)
    last = next((token for token in reversed(tokens) if token.content), None)
    if last is not None and last.type == "inline":
        [mended] = _MARKDOWN.parseInline(_mend(last.content))
        last.children = mended.children
    return str(_MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {})).strip()


def _mend(line: str) -> str:
    """The last words of a growing text, with everything closed that they leave open. A wrong guess lasts a moment."""
    opened = _opened(line)
    if opened[-1:] and opened[-1].startswith("`"):
        return _closed(line, opened)
    return _closed(_HALF_LINK.sub(r"\1", _HEAD_OF_TABLE.sub("", line)), opened)


def _closed(line: str, opened: Sequence[str]) -> str:
    """A mark with nothing after it yet is left out; blanks before a closing mark would keep it from closing."""
    line = line.rstrip()
    for mark in reversed(opened):
        line = line[: -len(mark)].rstrip() if line.endswith(mark) else line + mark
    return line


def _opened(line: str) -> list[str]:
    """The marks of emphasis and code that are open at the end, outermost first."""
    opened: list[str] = []
    at = 0
    while mark := _MARK.search(line, at):
        at = mark.end()
        if mark["code"]:
            close = re.compile(rf"(?<!`){mark['code']}(?!`)").search(line, at)
            if close is None:
                return [*opened, mark["code"]]
            at = close.end()
        elif mark["run"]:
            _toggle(opened, mark)
    return opened


def _toggle(opened: list[str], mark: re.Match[str]) -> None:
    before, after = mark.string[: mark.start()][-1:], mark.string[mark.end() :][:1]
    run = mark["run"]
    if run in opened and not before.isspace():
        del opened[opened.index(run) :]
    elif not after.isspace() and not (run[0] == "_" and before.isalnum()):
        opened.append(run)
