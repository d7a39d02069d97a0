"""Writes docs/gallery.html: hard samples of an answer as Slack, Discord, the page and the terminal show them.

python docs/gallery.py [--check]
"""

import base64
import functools
import html
import io
import re
import struct
import sys
import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt
from rich.console import Console
from rich.terminal_theme import TerminalTheme

from adapters.console import render as terminal
from adapters.discord import render as discord
from adapters.slack import render as slack
from adapters.web.wire import Growth, moment_json
from bot.segments import Code, File, Image, Notice, Segment, Source, Sources, Step, Table, Text
from bot.views import Moment
from bot.words.growing import Blocks
from bot.words.harmless import harmless
from bot.words.letter import Letter

GALLERY = Path(__file__).parent / "gallery.html"
STYLE = Path(__file__).parents[1] / "adapters" / "web" / "static" / "style.css"
COLUMNS = 64
URL = "http://127.0.0.1:8000"
RIGHT_TO_LEFT = (
    "مرحبا بالعالم **عريض** و`code` هنا.\n\n1. أولا\n2. ثانيا\n\n"
    "日本語の文章です。**太字**です。\n\n👩🏽\u200d🚀 e\u0301tude, नमस्ते"
)


def _png(width: int, height: int) -> bytes:
    """A picture with something to see."""
    rows = (bytes(c for x in range(width) for c in (40, x * 200 // width, y * 200 // height)) for y in range(height))
    packed = zlib.compress(b"".join(b"\0" + row for row in rows), 0)  # as it is: what else comes differs by system
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pieces = ((b"IHDR", head), (b"IDAT", packed), (b"IEND", b""))
    chunks = (struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in pieces)
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


FIGURE = Image("figure-1.png", "image/png", _png(80, 45), "file-figure", alt="A figure that the code drew")
CALLS = "<!channel> @everyone <@U012AB> <@&165> ask Ada; &lt;!here&gt; and \\<!subteam^S1>"

SAMPLES: tuple[tuple[str, tuple[Segment, ...]], ...] = (
    (
        "Nested lists",
        (Text("1. One\n   - inner\n     - innermost\n2. Two\n\n   A paragraph of it.\n\n- [x] done\n- [ ] open"),),
    ),
    ("A table", (Text("| name | 数量 | price |\n|:--|:-:|--:|\n| apple | 3 | **1.20** |\n| 日本の梨 | 12 | 14.00 |"),)),
    ("A wide table", (Text(f"| word | meaning |\n|---|---|\n| {'long ' * 8}| {'and longer ' * 6}|"),)),
    ("Code in a list", (Text("- Run it:\n  ```python\n  for n in range(3):\n      print(n)\n  ```\n- Then look."),)),
    (
        "Pieces: code and a table",
        (
            Text("It printed this."),
            Code("print('```')", "python"),
            Table((("name", "n|m"), ("*apple*", "3"), ("<!here>", ""))),
        ),
    ),
    ("Right to left, mixed scripts", (Text(RIGHT_TO_LEFT),)),
    (
        "Sources",
        (
            Text("Dogs stay outside.[1] Cats may enter.[2]"),
            Sources(
                (
                    Source(1, "house_rules *v2*.pdf", "No dogs,\nnot even small ones."),
                    Source(2, "cats.md", "Cats are welcome.", "https://example.org/cats"),
                )
            ),
        ),
    ),
    (
        "Formulas",
        (Text("\\(x^2 + y_1 \\leq \\frac{a+b}{2}\\) costs $5, and\n\n\\[\\sum_{i=1}^{n} \\alpha_i \\to \\infty\\]"),),
    ),
    ("Mentions", (Text(f"{CALLS}\n\n- `@here` in code\n- [@everyone](https://example.org/@here)"),)),
    (
        "Links",
        (
            Text(
                "[https://bank.com](https://evil.org), [the docs](https://example.org/a_b), https://example.org, "
                "![a cat](https://example.org/cat.png), [run](javascript:alert(1))"
            ),
        ),
    ),
    ("Headings and rules", (Text("# First\n\n#### Fourth\n\nUnderlined\n===\n\n---\n\n> a quote\n> of two lines"),)),
    (
        "A figure, a file, notices",
        (
            Text("Here is the figure."),
            FIGURE,
            File("@everyone.csv", "text/csv", b"a,b\n1,2\n", "file-table"),
            Notice("Small demo model on this machine: often wrong."),
            Notice("“notes.bin” could not be read.", kind="problem"),
        ),
    ),
)
GROWING: tuple[tuple[str, tuple[Segment, ...]], ...] = (
    ("Steps", (Text("Let me look."), Step("Running code…", key="1"), Step("Searched the files", "done", "2"))),
    ("Half written: emphasis and a link", (Text("- A **bold *and a [link](https://exam"),)),
    ("Half written: emphasis over lines", (Text("It is ***very\nbold and ~~str"),)),
    ("Half written: a fence", (Text("Run:\n\n```python\nfor n in range(3):\n    pri"),)),
    ("Half written: a table, a citation", (Text("| a | b |\n|---|---|\n| 1 | 2 |\n\nSo it is 【4:0†rul"),)),
)

_STYLE = """
body { display: block; overflow: visible; height: auto; font-size: 15px; margin: 2rem auto; max-width: 1240px;
  padding: 0 1rem; }
html { height: auto; }
.samples { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(28rem, 100%), 1fr)); gap: .8rem;
  margin: .6rem 0 2.2rem; }
figure { margin: 0; border: 1px solid var(--line); border-radius: .5rem; padding: .6rem .8rem; min-width: 0;
  background: var(--raised); overflow-x: auto; }
figcaption { color: var(--soft); font-size: .8rem; margin-bottom: .3rem; }
details { margin-top: .6rem; font-size: .8rem; color: var(--soft); }
pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: 0; font: 13px/1.45 var(--mono); }
.message + .message { border-top: 1px dashed var(--line); margin-top: .6rem; padding-top: .6rem; }
.message :is(ul, ol) { padding-left: 1.5rem; list-style: revert; } .message h4 { font-size: 1.1rem; }
.message :is(p, ul, ol, pre, table, blockquote, h4) + * { margin-top: .5rem; }
.message small { color: var(--soft); font-size: .8rem; } .message blockquote { border-left: 3px solid var(--line);
  padding-left: .7rem; }
.message pre, .message :not(pre) > code { background: var(--side); border: 1px solid var(--line); border-radius: .3rem;
  padding: .1rem .3rem; }
.message table { border-collapse: collapse; } .message :is(th, td) { border: 1px solid var(--line);
  padding: .15rem .5rem; }
.message img { display: block; } .message [dir=auto] { text-align: start; }
.terminal pre { background: #16181a; color: #ddd; padding: .6rem .8rem; border-radius: .4rem; overflow-x: auto;
  white-space: pre; overflow-wrap: normal; }
"""
_COLOURS = [(110, 115, 120), *[(140, 190, 185)] * 6, (200, 200, 200)]
_DARK = TerminalTheme((22, 24, 26), (221, 221, 221), _COLOURS, _COLOURS)


def main() -> int:
    page = _page()
    if sys.argv[1:] == ["--check"]:
        if GALLERY.read_text("utf-8") == page:
            return 0
        print(f"{GALLERY.name} is not what is shown now: run make gallery and look at it.", file=sys.stderr)  # noqa: T201
        return 1
    GALLERY.write_text(page, "utf-8")
    print(f"wrote {GALLERY.name}")  # noqa: T201 - a command's only word
    return 0


def _page() -> str:
    rows = [_row(title, _finished(segments)) for title, segments in SAMPLES]
    rows += [_row(title, _unfinished(segments)) for title, segments in GROWING]
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>An answer, as every platform shows it</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{STYLE.read_text('utf-8')}{_STYLE}</style><h1>An answer, as every platform shows it</h1>"
        "<p>Written by <code>make gallery</code>. For Slack and Discord each message is read as that platform reads it,"
        " and stands below as it is sent; the page and the terminal are their own.</p>"
        f"{''.join(rows)}</html>\n"
    )


def _row(title: str, panels: Sequence[tuple[str, str]]) -> str:
    shown = "".join(f"<figure><figcaption>{name}</figcaption>{body}</figure>" for name, body in panels)
    return f'<h2>{html.escape(title)}</h2><div class="samples">{shown}</div>'


def _finished(segments: tuple[Segment, ...]) -> list[tuple[str, str]]:
    return [
        ("Slack", _messages(_on_slack, slack.letter(), segments)),
        ("Discord", _messages(_on_discord, discord.letter(), segments)),
        ("The page", _on_the_page(Moment("finished", 1, segments))),
        ("The terminal", _on_a_terminal(segments, ended=True)),
    ]


def _unfinished(segments: tuple[Segment, ...]) -> list[tuple[str, str]]:
    streamed = slack.letter(streams=True).growing(segments)
    return [
        ("Slack, streamed", _sent(_on_slack, streamed)),
        ("Slack, edited", _sent(_on_slack, slack.letter().growing(segments))),
        ("Discord", _sent(_on_discord, discord.letter().growing(segments))),
        ("The page", _on_the_page(Moment("snapshot", 1, segments))),
        ("The terminal", _on_a_terminal(segments, ended=False)),
    ]


def _messages(read: Callable[[str], str], letter: Letter, segments: tuple[Segment, ...]) -> str:
    sent = letter.whole(segments)
    return _sent(read, sent.texts) + "".join(map(_file, sent.files))


def _sent(read: Callable[[str], str], texts: Sequence[str]) -> str:
    shown = "".join(f'<div class="message">{read(text)}</div>' for text in texts)
    raw = html.escape("\n\n".join(texts))
    return f"{shown}<details open><summary>as it is sent</summary><pre>{raw}</pre></details>"


def _file(file: File) -> str:
    name = html.escape(harmless(file.name))
    if not isinstance(file, Image):
        return f'<div class="message">📎 {name}</div>'
    return f'<div class="message"><img src="{_address(file)}" alt="{html.escape(file.alt)}">{name}</div>'


def _address(file: File) -> str:
    return f"data:{file.media_type};base64,{base64.b64encode(file.data).decode()}"


def _on_slack(text: str) -> str:
    """Standard Markdown with tables and tasks."""
    return _reader(("table", "strikethrough")).render(text)


def _on_discord(text: str) -> str:
    """Discord's Markdown: three headings, small print, no tables, no rules."""
    reader = _reader(("strikethrough",), without=("hr", "lheading", "code", "reference", "image", "entity"))
    shown = reader.render(re.sub(r"(?m)^-# (.*)$", "\ue000\\1\ue001\n", text))
    return shown.replace("\ue000", "<small>").replace("\ue001", "</small>")


@functools.cache
def _reader(more: tuple[str, ...], without: tuple[str, ...] = ()) -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False, "breaks": True}).enable(list(more)).disable(list(without))


def _on_the_page(moment: Moment) -> str:
    """As static/transcript.js puts it."""
    shown = []
    for segment, told in zip(moment.segments, _told(moment), strict=True):
        if told["type"] == "text":
            words = told["html"] if "html" in told else "".join(told["blocks"]).removesuffix("\n")
            shown.append(f'<div class="text">{words}</div>')
        elif told["type"] == "sources":
            notes = "".join(f"<p>[{n['number']}] {_titled(n)}</p>" for n in told["notes"])
            shown.append(f'<div class="sources">{notes}</div>')
        elif isinstance(segment, File):
            name = html.escape(told["name"])
            picture = f'<img src="{_address(segment)}" alt="{html.escape(told["alt"])}">'
            shown.append(f'<p class="file"><a href="#">{picture if told["picture"] else name}</a></p>')
        else:
            kind = f"notice {told['kind']}" if told["type"] == "notice" else told["type"]
            shown.append(f'<p class="{kind}">{html.escape(told["text"])}</p>')
    return "".join(shown)


def _titled(note: dict[str, str]) -> str:
    title, address = html.escape(note["title"]), html.escape(note["address"])
    linked = f'<a href="{address}">{title}</a>' if address else title
    return linked + (f": “{html.escape(note['passage'])}”" if note["passage"] else "")


def _on_a_terminal(segments: tuple[Segment, ...], *, ended: bool) -> str:
    """What `threadline chat` prints; of a growing answer what stands there when it is looked at."""
    console = Console(file=io.StringIO(), width=COLUMNS, record=True, force_terminal=True, highlight=False)
    told = _told(Moment("finished" if ended else "snapshot", 1, segments))
    words = terminal.words(told)
    for number, block in enumerate(filter(str.strip, [words] if ended else Blocks().of(words))):
        console.print(*([""] if number else []), terminal.renderable(block), sep="\n")
    for line in terminal.foot(told, URL) if ended else terminal.steps(told):
        console.print(line, soft_wrap=True)
    shown = console.export_html(theme=_DARK, inline_styles=True, code_format="<pre>{code}</pre>")
    return f'<div class="terminal">{shown}</div>'


def _told(moment: Moment) -> list[dict[str, Any]]:
    bare = tuple(replace(s, data=b"") if isinstance(s, File) else s for s in moment.segments)
    told: list[dict[str, Any]] = moment_json(replace(moment, segments=bare), Growth())["segments"]
    return told


if __name__ == "__main__":
    sys.exit(main())
