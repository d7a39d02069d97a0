"""Rewrites Markdown for a platform: replaces what the platform lacks, and removes pings."""

import html
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from markdown_it.token import Token

from bot.words.constructs import constructs
from bot.words.harmless import harmless
from bot.words.links import quiet, shows_another
from bot.words.markdown import line_starts, outline, parse
from bot.words.maths import readable
from bot.words.tables import Grid, grid

Edit = tuple[int, int, str]

# Citation marks that some servers leave in the text; people see only the footnotes.
_MARKER = re.compile(r"【[^【】]*†[^【】]*】")
_MARK = re.compile(r"([\\`*_~\[\]<>|])")
_LANGUAGE = re.compile(r"[A-Za-z0-9_+.#-]+\Z")
_CONTAINER = re.compile(r"[^\s>]")


@dataclass(frozen=True, slots=True)
class Dialect:
    """What a platform supports. `headings` is its deepest level of headings; `table` writes tables if it has none.

    `code` writes a code block from text and language if the platform accepts only one form; `references` says whether
    the platform decodes character references such as `&lt;`.
    """

    headings: int = 6
    table: Callable[[Grid], str] | None = None
    rule: str = ""
    code: Callable[[str, str], str] | None = None
    references: bool = True

    def write(self, markdown: str) -> str:
        """The Markdown in this dialect, without pings. White space around it stays."""
        # Only the cells of tables are written from tokens.
        tokens = parse(markdown) if self.table and "|" in markdown else outline(markdown)
        starts = line_starts(markdown)
        edits = [edit for at, token in enumerate(tokens) for edit in self._edits(markdown, tokens, at, token, starts)]
        return harmless(_edited(markdown, edits))

    def _edits(self, text: str, tokens: Sequence[Token], at: int, token: Token, starts: list[int]) -> Iterator[Edit]:
        if not token.map:
            return
        begins, ends = starts[token.map[0]], starts[min(token.map[1], len(starts) - 1)]
        if token.type == "table_open" and self.table:
            yield begins, ends, _placed(text[begins:ends], self.table(grid(tokens[at:])))
        elif token.type == "heading_open" and (int(token.tag[1]) > self.headings or self._underlined(token)):
            yield from self._heading(text[begins:ends], begins, token)
        elif token.type == "hr" and self.rule:
            yield begins, ends, text[begins:ends].replace(text[begins:ends].strip("> \t\r\n"), self.rule)
        elif token.type in ("fence", "code_block") and self.code:
            yield begins, ends, _coded(text[begins:ends], token, self.code)
        elif token.type == "inline" and not (self.table and _in_table(tokens, at)):
            yield from _in_line(text[begins:ends], begins, references=self.references)

    def _underlined(self, heading: Token) -> bool:
        return heading.markup in ("=", "-") and self.headings < 6

    def _heading(self, source: str, begins: int, heading: Token) -> Iterator[Edit]:
        """Edit only the marks of a heading; its text is rewritten like any other."""
        depth = int(heading.tag[1])
        marks = ("**", "**") if depth > self.headings else (f"{'#' * depth} ", "")
        if heading.markup.startswith("#"):
            opening = re.search(r"#+[ \t]*", source)
            closing = re.search(r"(?:[ \t]+#+)?[ \t]*(?=\r?\n?\Z)", source)
            if opening is None or closing is None or opening.end() > closing.start():
                return
            yield begins + opening.start(), begins + opening.end(), marks[0]
            yield begins + closing.start(), begins + closing.end(), marks[1]
        elif underline := re.search(r"\r?\n[^\n]*(?=\n?\Z)", source.rstrip("\r\n") + "\n"):
            words = re.search(r"[^\s>]", source)
            yield begins + (words.start() if words else 0), begins + (words.start() if words else 0), marks[0]
            yield begins + underline.start(), begins + min(underline.end(), len(source)), marks[1]


def escaped(words: str) -> str:
    """Plain text, escaped for Markdown."""
    return _MARK.sub(r"\\\1", words)


def _in_line(line: str, begins: int, *, references: bool) -> Iterator[Edit]:
    for found in constructs(line):
        start, end = begins + found.start(), begins + found.end()
        if found["formula"]:
            if (plain := readable(found.group())) != found.group():
                yield start, end, escaped(plain)
        elif found["marker"]:
            yield start, end, _MARKER.sub("", found.group())
        elif found["image"] is not None:
            # Platforms do not load images from answers, so it becomes a link if it has a web address.
            opening = "[" if found["alt"] else "[image"
            written = _quieted(found, "source").replace("![", opening, 1)
            leads = found["source"].strip("<>").startswith(("http://", "https://"))
            yield start, end, _link(found["alt"], found["source"], written if leads else found.group())
        elif found["link"] is not None:
            yield start, end, _link(found["words"], found["address"], _quieted(found, "address"))
        elif found["reference"] and not references:
            plain = html.unescape(found.group())
            yield start, end, escaped(plain) if plain.isprintable() or plain == "\xa0" else found.group()
        elif found["auto"] or found["bare"]:
            yield start, end, quiet(found.group())


def _link(words: str, address: str, written: str) -> str:
    """A link, followed by its true address if its text shows another one."""
    bare = address.strip("<>")
    return f"`{words.replace('`', '')}` ({quiet(bare)})" if shows_another(words, bare) else written


def _quieted(found: re.Match[str], name: str) -> str:
    """The construct with pings removed from its address; `harmless` removes those from its text."""
    start, end = found.start(name) - found.start(), found.end(name) - found.start()
    whole = found.group()
    return whole[:start] + quiet(whole[start:end]) + whole[end:]


def _coded(source: str, token: Token, code: Callable[[str, str], str]) -> str:
    """A code block in the platform's form; unchanged if it has that form already."""
    language = _LANGUAGE.match(token.info.strip())
    form = code(token.content.removesuffix("\n"), language.group() if language else "")
    if token.type == "fence":
        written = f"```{token.info.strip()}\n{token.content}```"
        return source if token.markup == "```" and form == written else _placed(source, form)
    indent = source[: len(source) - len(source.lstrip(" \t>"))].removesuffix("    ")
    return indent + f"\n{_CONTAINER.sub(' ', indent)}".join(form.split("\n")) + source[len(source.rstrip("\r\n")) :]


def _placed(source: str, form: str) -> str:
    """Lines that replace others, with the marks of their quote or list."""
    indent = re.match(r"[ \t>]*(?:(?:[-+*]|\d{1,9}[.)])[ \t]+)?[ \t>]*", source)
    first = indent.group() if indent else ""
    rest = _CONTAINER.sub(" ", first)
    ending = source[len(source.rstrip("\r\n")) :]
    return first + f"\n{rest}".join(form.split("\n")) + ending


def _in_table(tokens: Sequence[Token], at: int) -> bool:
    return at > 0 and tokens[at - 1].type in ("th_open", "td_open")


def _edited(text: str, edits: list[Edit]) -> str:
    pieces, at = [], 0
    for start, end, instead in sorted(edits, key=lambda edit: edit[:2]):
        if start >= at:
            pieces += [text[at:start], instead]
            at = end
    return "".join([*pieces, text[at:]])
