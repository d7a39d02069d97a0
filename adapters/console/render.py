"""Renders segments for a terminal with rich: without control characters, with visible link addresses. Pure."""

import io
import re
from collections.abc import Iterator, Sequence
from itertools import dropwhile
from typing import Any, ClassVar

from rich.console import Console, ConsoleOptions, JustifyMethod, RenderResult
from rich.markdown import CodeBlock, Heading, HorizontalRule, Markdown, MarkdownElement
from rich.segment import Segment
from rich.text import Text

from bot.words.markdown import READER
from bot.words.rewrite import Dialect

JSON = dict[str, Any]

# Characters that control a terminal: colours, titles, the clipboard.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_DIALECT = Dialect()
# Through a pipe, lines are not wrapped.
WIDE = 5_000


def plain(words: str) -> str:
    """The text without control characters."""
    return _CONTROL.sub("", words)


def renderable(markdown: str, kind: type[Markdown] | None = None) -> Markdown:
    """Markdown as an object that rich prints."""
    written = _DIALECT.write(plain(markdown))
    shown = (kind or _Blocks)("", hyperlinks=False, code_theme="ansi_dark")
    # rich's own parser drops what looks like HTML; ours keeps it as text.
    shown.parsed = list(READER.parse(written))
    for token in (child for block in shown.parsed for child in block.children or []):
        if token.type == "softbreak":
            token.type = "hardbreak"  # as on every platform
    return shown


class _Blocks(Markdown):
    """Starts without an empty line: rich puts one before a list or a quote, even at the top."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        return dropwhile(Segment.line().__eq__, super().__rich_console__(console, options))


class _Code(CodeBlock):
    """Code without decoration, so that it can be copied."""

    def __rich_console__(self, *_: object) -> RenderResult:
        yield Text(str(self.text).rstrip(), no_wrap=True, overflow="ignore")


class _Heading(Heading):
    LEVEL_ALIGN: ClassVar[dict[str, JustifyMethod]] = {}


class _Rule(HorizontalRule):
    def __rich_console__(self, *_: object) -> RenderResult:
        yield Text("─" * 10)


class _Unadorned(_Blocks):
    elements: ClassVar[dict[str, type[MarkdownElement]]] = {
        **Markdown.elements,
        "fence": _Code,
        "code_block": _Code,
        "heading_open": _Heading,
        "hr": _Rule,
    }


def unadorned(markdown: str) -> str:
    """Markdown as plain text for a pipe: the same text and tables, without colours or wrapped lines."""
    console = Console(file=io.StringIO(), width=WIDE, color_system=None, legacy_windows=False, highlight=False)
    with console.capture() as printed:
        console.print(renderable(markdown, _Unadorned))
    return "\n".join(line.rstrip() for line in printed.get().split("\n"))


def words(segments: Sequence[JSON]) -> str:
    """The Markdown of an answer."""
    return "\n\n".join(segment["markdown"] for segment in segments if segment["type"] == "text")


def steps(segments: Sequence[JSON]) -> list[Text]:
    """The steps in progress."""
    running = (one for one in segments if one["type"] == "step" and one["state"] == "running")
    return [small(step["text"]) for step in running]


def foot(segments: Sequence[JSON], url: str) -> Iterator[Text]:
    """The lines below a finished answer: its files with their addresses at `url`, its sources, its notices."""
    for segment in segments:
        if segment["type"] == "file":
            address = f"  {url}/chat/api/files/{segment['id']}" if segment["id"] else ""
            yield Text(plain(segment["name"]) + address)
        elif segment["type"] == "sources":
            yield from (small(_note(note)) for note in segment["notes"])
        elif segment["type"] == "notice":
            yield small(segment["text"]) if segment["kind"] == "label" else Text(plain(segment["text"]))


def question(exchange: JSON) -> str:
    """A question and the names of its files."""
    files = ", ".join(file["name"] for file in exchange["files"])
    return plain("  ".join(filter(None, (exchange["question"], f"[{files}]" if files else ""))))


def small(text: str) -> Text:
    return Text(plain(text), style="dim")


def _note(note: JSON) -> str:
    passage = f": “{' '.join(note['passage'].split())}”" if note["passage"] else ""
    address = f"  {note['address']}" if note["address"] else ""
    return f"[{note['number']}] {note['title']}{passage}{address}"
