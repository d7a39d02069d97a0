"""Converts Markdown to Slack's older markup, for the few places that accept nothing else."""

from collections.abc import Iterator, Sequence

from markdown_it.token import Token

from bot.words.links import shows_another
from bot.words.markdown import parse
from bot.words.tables import grids

_MARKS = {"strong": "*", "em": "_", "s": "~"}


def mrkdwn(markdown: str) -> str:
    """`**bold**` becomes `*bold*`, links `<url|text>`, headings bold, tables aligned code; the rest is plain text."""
    tokens = parse(markdown)
    tables = {id(token): grid.aligned() for token, grid in grids(tokens)}
    lines: list[str] = []
    skipping = False
    for at, token in enumerate(tokens):
        if token.type == "table_open":
            skipping = True
            lines += ["```", *map(_escaped, tables[id(token)]), "```", ""]
        elif token.type == "table_close":
            skipping = False
        elif not skipping:
            lines += _block(tokens, at, token)
    return "\n".join(lines).strip()


def _block(tokens: Sequence[Token], at: int, token: Token) -> Iterator[str]:
    if token.type in ("fence", "code_block"):
        yield from ["```", *_escaped(token.content.rstrip("\n")).split("\n"), "```", ""]
    elif token.type == "inline":
        heading = tokens[at - 1].type == "heading_open"
        words = "".join(_line(token.children or []))
        yield from _prefixed(f"*{words}*" if heading else words, *_prefixes(tokens, at))
        if not tokens[at - 1].hidden:
            yield ""
    elif token.type == "hr":
        yield from ["─" * 10, ""]


def _prefixes(tokens: Sequence[Token], at: int) -> tuple[str, str]:
    """The list and quote marks before the first line of a block, and before its other lines."""
    first = rest = ""
    stack: list[Token] = []
    for token in tokens[:at]:
        if token.type in ("blockquote_open", "list_item_open"):
            stack.append(token)
        elif token.type in ("blockquote_close", "list_item_close"):
            stack.pop()
    for token in stack:
        if token.type == "blockquote_open":
            first, rest = f"{first}> ", f"{rest}> "
        else:
            mark = f"{token.info}. " if token.info else "• "
            is_first = tokens[at - 2] is token
            first = f"{first}{mark if is_first else '    '}"
            rest = f"{rest}    "
    return first, rest


def _prefixed(words: str, first: str, rest: str) -> Iterator[str]:
    for number, line in enumerate(words.split("\n")):
        yield (rest if number else first) + line


def _line(children: Sequence[Token]) -> Iterator[str]:
    at = 0
    while at < len(children):
        token = children[at]
        if token.type == "link_open":
            end = next(n for n in range(at, len(children)) if children[n].type == "link_close")
            yield _link("".join(_line(children[at + 1 : end])), str(token.attrs["href"]))
            at = end
        elif token.type == "image":
            yield _link(_escaped(token.content) or "image", str(token.attrs["src"]))
        elif token.type == "code_inline":
            yield f"`{_escaped(token.content)}`"
        elif token.type in ("softbreak", "hardbreak"):
            yield "\n"
        elif token.tag in _MARKS and token.type != "text":
            yield _MARKS[token.tag]
        else:
            yield _escaped(token.content)
        at += 1


def _link(words: str, address: str) -> str:
    target = _escaped(address).replace("|", "%7C")
    if shows_another(words, address):
        return f"{words} (<{target}>)"
    return f"<{target}|{words.replace('|', '¦')}>"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
