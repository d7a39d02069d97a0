"""Segments as a terminal shows them, through rich: harmless, with links that say where they lead. Pure."""

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

# Whatever a terminal would take for an order: colours, titles, the clipboard.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_DIALECT = Dialect()
# Whoever reads a pipe breaks lines where it likes.
WIDE = 5_000


def plain(words: str) -> str:
    """Words that give a terminal no orders."""
    return _CONTROL.sub("", words)


def renderable(markdown: str, kind: type[Markdown] | None = None) -> Markdown:
    """What rich prints."""
    written = _DIALECT.write(plain(markdown))
    shown = (kind or _Blocks)("", hyperlinks=False, code_theme="ansi_dark")
    # rich's own reader drops what looks like HTML; ours keeps it as words.
    shown.parsed = list(READER.parse(written))
    for token in (child for block in shown.parsed for child in block.children or []):
        if token.type == "softbreak":
            token.type = "hardbreak"  # as on every platform
    return shown


class _Blocks(Markdown):
    """Begins with words: rich puts an empty line before a list or a quote, even where nothing stands above it."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        return dropwhile(Segment.line().__eq__, super().__rich_console__(console, options))


class _Code(CodeBlock):
    """Code as it is, so that it can be used."""

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
    """What is printed where nobody looks (through a pipe): the same words and tables, no colours, no line broken."""
    console = Console(file=io.StringIO(), width=WIDE, color_system=None, legacy_windows=False, highlight=False)
    with console.capture() as printed:
        console.print(renderable(markdown, _Unadorned))
    return "\n".join(line.rstrip() for line in printed.get().split("\n"))


def words(segments: Sequence[JSON]) -> str:
    """The Markdown of an answer."""
    return "\n\n".join(segment["markdown"] for segment in segments if segment["type"] == "text")


def steps(segments: Sequence[JSON]) -> list[Text]:
    """What is done meanwhile."""
    running = (one for one in segments if one["type"] == "step" and one["state"] == "running")
    return [small(step["text"]) for step in running]


def foot(segments: Sequence[JSON], url: str) -> Iterator[Text]:
    """What stands under a finished answer: its files, where they are had at `url`; its sources; what is said of it."""
    for segment in segments:
        if segment["type"] == "file":
            address = f"  {url}/chat/api/files/{segment['id']}" if segment["id"] else ""
            yield Text(plain(segment["name"]) + address)
        elif segment["type"] == "sources":
            yield from (small(_note(note)) for note in segment["notes"])
        elif segment["type"] == "notice":
            yield small(segment["text"]) if segment["kind"] == "label" else Text(plain(segment["text"]))


def question(exchange: JSON) -> str:
    """What was asked, and what was sent with it."""
    files = ", ".join(file["name"] for file in exchange["files"])
    return plain("  ".join(filter(None, (exchange["question"], f"[{files}]" if files else ""))))


def small(text: str) -> Text:
    return Text(plain(text), style="dim")


def _note(note: JSON) -> str:
    passage = f": “{' '.join(note['passage'].split())}”" if note["passage"] else ""
    address = f"  {note['address']}" if note["address"] else ""
    return f"[{note['number']}] {note['title']}{passage}{address}"
