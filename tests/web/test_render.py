"""Markdown becomes HTML that is safe whatever the model wrote, and calm at every step of its growth."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from adapters.web.render import html

TAGS = set(
    re.findall(r"\w+", "p br hr h4 h5 h6 ul ol li blockquote pre code em strong s a div table thead tbody tr th td")
)
SCHEMES = ("http://", "https://", "mailto:")
APART = {"rel": "noopener noreferrer", "target": "_blank"}
PIECES = (
    "[",
    "](",
    ")",
    "![",
    "<",
    ">",
    "*",
    "**",
    "_",
    "~~",
    "`",
    "```",
    "\n",
    "\n\n",
    "- ",
    "1. ",
    "> ",
    "# ",
    "|",
    "|-|-|\n",
    "    ",
    "\t",
    "\\",
    '"',
    "'",
    "&#106;",
    "&Tab;",
    "javascript:alert(1)",
    "JAVASCRIPT:",
    "data:image/png;base64,x",
    "vbscript:x",
    "https://e.org",
    "HTTPS://E.org/",
    "mailto:a@b.c",
    "<script>",
    "</p>",
    "<img src=x onerror=x>",
    " onclick=x ",
    "[a]: ",
    "[a]",
    "word",
    " ",
    "\0",
    "\ud83d",
    "\u202e",
    "=",
    "---",
    "https://[",
    "http://xn--/",
    "\u00a0",
)
MARKDOWN = st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=25).map("".join)


class Page(HTMLParser):
    """Reads as a browser does; fails on whatever is not ours."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS
        given = dict(attrs)
        assert set(given) <= {"a": {"href", "title", *APART}, "ol": {"start", "dir"}}.get(tag, {"class", "dir"})
        assert given.get("dir", "auto") == "auto"
        assert given.get("class", "table") in ("table", "left", "center", "right")
        if tag == "a":
            assert str(given["href"]).lower().startswith(SCHEMES)
            assert given.items() >= APART.items()
            assert "a" not in self.open
        if tag not in ("br", "hr"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("br", "hr"):
            assert self.open.pop() == tag

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)


@given(MARKDOWN, st.booleans())
@example("[x](javascript:alert(1)) ![x](data:image/png;base64,x) <img src=x onerror=x>", True)
def test_only_our_own_tags_and_links_outward_come_out(markdown: str, growing: bool) -> None:
    Page(html(markdown, growing=growing))


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("a **bol", "<p>a <strong>bol</strong></p>"),
        ("a **bold*", "<p>a <strong>bold</strong></p>"),
        ("a **", "<p>a</p>"),
        ("a **b *c", "<p>a <strong>b <em>c</em></strong></p>"),
        ("a `co *d", "<p>a <code>co *d</code></p>"),
        ("a ~~b", "<p>a <s>b</s></p>"),
        ("snake_case and 2 * 3 is", "<p>snake_case and 2 * 3 is</p>"),
        ("see [the docs](https://exam", "<p>see the docs</p>"),
        ("see [the", "<p>see the</p>"),
        ("**see [the docs](htt", "<p><strong>see the docs</strong></p>"),
        ("Here:\n-", "<p>Here:</p>"),
        ("Here:\n1.", "<p>Here:</p>"),
        ("1. a\n2", '<ol dir="auto">\n<li>a</li>\n</ol>'),
        ("Done\n\n``", "<p>Done</p>"),
        ("```py\nx[1] = **a", "<pre><code>x[1] = **a</code></pre>"),
        ("```py\nx\n``", "<pre><code>x\n</code></pre>"),
        ("Table:\n\n| a | b |\n|--", "<p>Table:</p>"),
    ],
)
def test_what_is_half_written_is_shown_as_what_it_becomes(written: str, shown: str) -> None:
    assert html(written, growing=True) == shown


def test_an_image_is_a_link_with_its_words_and_headings_stay_below_the_pages_own() -> None:
    link = '<a href="https://e.org/x.png" rel="noopener noreferrer" target="_blank">a &quot;cat&quot;</a>'

    assert html('# ![a "cat"](https://e.org/x.png)') == f"<h4>{link}</h4>"
    assert html('[![a "cat"](https://e.org/y)](https://e.org/x.png)') == f"<p>{link}</p>"
    assert html("a\nb") == "<p>a<br />\nb</p>"
