"""Segments as a terminal shows them, through rich: harmless, with links that say where they lead. Pure."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from rich.markdown import Markdown
from rich.text import Text

from bot.words.markdown import READER
from bot.words.rewrite import Dialect

JSON = dict[str, Any]

# Whatever a terminal would take for an order: colours, titles, the clipboard.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_DIALECT = Dialect()


def plain(words: str) -> str:
    """Words that give a terminal no orders."""
    return _CONTROL.sub("", words)


def renderable(markdown: str) -> Markdown:
    """What rich prints."""
    written = _DIALECT.write(plain(markdown))
    shown = Markdown("", hyperlinks=False, code_theme="ansi_dark")
    # rich's own reader drops what looks like HTML; ours keeps it as words.
    shown.parsed = list(READER.parse(written))
    for token in (child for block in shown.parsed for child in block.children or []):
        if token.type == "softbreak":
            token.type = "hardbreak"  # as on every platform
    return shown


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
