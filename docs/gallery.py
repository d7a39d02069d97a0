"""Writes docs/gallery.html: hard samples of Markdown as Slack, Discord, the page and the terminal are given them.

python docs/gallery.py
"""

import html
import io
from pathlib import Path

from rich.console import Console

from adapters.console.render import renderable
from adapters.discord import render as discord
from adapters.slack import render as slack
from adapters.web.render import html as page
from bot.segments import Notice, Segment, Source, Sources, Text

GALLERY = Path(__file__).parent / "gallery.html"
COLUMNS = 72

SAMPLES: tuple[tuple[str, tuple[Segment, ...]], ...] = (
    (
        "Nested lists",
        (Text("1. One\n   - inner\n     - innermost\n2. Two\n\n   A paragraph of it.\n\n- [x] done\n- [ ] open"),),
    ),
    ("A table", (Text("| name | 数量 | price |\n|:--|:-:|--:|\n| apple | 3 | **1.20** |\n| 日本の梨 | 12 | 14.00 |"),)),
    ("A wide table", (Text(f"| word | meaning |\n|---|---|\n| {'long ' * 8}| {'and longer ' * 6}|"),)),
    ("Code in a list", (Text("- Run it:\n  ```python\n  for n in range(3):\n      print(n)\n  ```\n- Then look."),)),
    ("Mixed scripts", (Text("مرحبا بالعالم **عريض** and 日本語の文章です。👩🏽‍🚀 e\u0301tude, नमस्ते"),)),
    (
        "Sources",
        (
            Text("Dogs stay outside.[1] Cats may enter.[2]"),
            Sources((Source(1, "house_rules.pdf", "No dogs."), Source(2, "cats.md", "", "https://example.org/cats"))),
        ),
    ),
    (
        "Formulas",
        (Text("\\(x^2 + y_1 \\leq \\frac{a+b}{2}\\) costs $5, and\n\n\\[\\sum_{i=1}^{n} \\alpha_i \\to \\infty\\]"),),
    ),
    (
        "Mentions and links",
        (
            Text(
                "<!channel> @everyone <@U012AB> ask Ada. [https://bank.com](https://evil.org), "
                "[the docs](https://example.org/a_b), ![a cat](https://example.org/cat.png)"
            ),
            Notice("A label of ours"),
        ),
    ),
    ("Headings and rules", (Text("# First\n\n#### Fourth\n\nUnderlined\n===\n\n---\n\n> a quote\n> of two lines"),)),
    ("Half written", (Text("A **bold and a [link](https://exam"),)),
)

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 1200px; padding: 0 1rem; color: #1d1c1d; }
section { display: grid; grid-template-columns: 1fr 1fr; gap: .8rem; margin: 1rem 0 2rem; }
figure { margin: 0; border: 1px solid #d9d9df; border-radius: .5rem; padding: .6rem .8rem; overflow-x: auto; }
figcaption { color: #68666b; font-size: .8rem; margin-bottom: .3rem; }
pre { white-space: pre-wrap; margin: 0; font: 13px/1.45 ui-monospace, monospace; }
table { border-collapse: collapse; } th, td { border: 1px solid #d9d9df; padding: .15rem .5rem; }
.right { text-align: right; } .center { text-align: center; }
"""


def main() -> None:
    rows = "".join(f"<h2>{html.escape(title)}</h2><section>{_shown(segments)}</section>" for title, segments in SAMPLES)
    GALLERY.write_text(
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Words, as every platform is given them</title>'
        f"<style>{_STYLE}</style><h1>Words, as every platform is given them</h1>"
        "<p>Written by <code>make gallery</code>. Slack and Discord are shown the Markdown that they render.</p>"
        f"{rows}</html>\n",
        "utf-8",
    )
    print(f"wrote {GALLERY.name}: {len(SAMPLES)} samples")  # noqa: T201 - a command's only word


def _shown(segments: tuple[Segment, ...]) -> str:
    half = [Text(s.markdown) for s in segments if isinstance(s, Text)]
    return "".join(
        f"<figure><figcaption>{name}</figcaption>{body}</figure>"
        for name, body in (
            ("Slack", _pre("\n\n".join(slack.letter().whole(segments).texts))),
            ("Discord", _pre("\n\n".join(discord.letter().growing(segments)))),
            ("The page", page(half[0].markdown, growing=True)),
            ("The terminal", _pre(_terminal(half[0].markdown))),
        )
    )


def _terminal(markdown: str) -> str:
    out = io.StringIO()
    Console(file=out, width=COLUMNS, color_system=None).print(renderable(markdown))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def _pre(text: str) -> str:
    return f"<pre>{html.escape(text)}</pre>"


if __name__ == "__main__":
    main()
