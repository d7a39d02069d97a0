"""Markdown as models write it, and nastier: what the properties of words are tried on."""

import os

from hypothesis import settings
from hypothesis import strategies as st

# `make proof` looks at many more.
MANY = "WORDS_CASES" in os.environ
cases = settings(max_examples=int(os.environ.get("WORDS_CASES", "100")))

CALLS = [
    "<!channel>",
    "<!here|here>",
    "<!everyone>",
    "<!subteam^S0123>",
    "@channel",
    "@here",
    "@EVERYONE",
    "<@U012AB>",
    "<@!80351110224678912>",
    "<@&165511591545143296>",
    "<#C012AB|general>",
    "&lt;!channel&gt;",
    "\\<!here>",
    "@\\everyone",
]
PIECES = [
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
    "``",
    "```",
    "~~~",
    "\n",
    "\n\n",
    "- ",
    "1. ",
    "> ",
    "# ",
    "#### ",
    "|",
    "| a | b |\n|---|:-:|\n",
    "| 1 | 2 |\n",
    "    ",
    "  ",
    "\t",
    "\\",
    "\\(",
    "\\)",
    "\\[",
    "\\]",
    "$",
    "$$",
    "x^2",
    "\\frac{a}{b}",
    "\\(x^2\\)",
    "$5x^2$",
    "$5 a month",
    "【4:0†source】",
    "【",
    "†",
    "】",
    "&#106;",
    "&amp;",
    "javascript:alert(1)",
    "https://e.org/a_b",
    "[words](https://e.org)",
    "[bank.com](https://evil.org)",
    "![alt](https://e.org/i.png)",
    "[a]: https://e.org\n",
    "word",
    "A sentence. ",
    "words and more words ",
    " ",
    "\0",
    "\u202e",
    "\u2066",
    "=",
    "---\n",
    "===\n",
    "مرحبا ",
    "日本語。",
    "👩🏽\u200d🚀",
    "e\u0301",
    "\u00a0",
    "\r\n",
    "\u2028",
    "\x0c",
    "```python\nprint(1)\n",
    "\n```\n",
    "- [ ] task\n",
    "  - nested\n",
    "10) ",
    "```\n\n",
    "> ```\n> code\n",
    "\ud83d",
]

nasty = st.lists(st.sampled_from(PIECES + CALLS) | st.text(max_size=3), max_size=40).map("".join)

_words = st.text("abcdefghij klmno äß,;", min_size=1, max_size=60).map(str.strip).filter(bool)
_inline = _words | _words.map(lambda w: f"**{w}**") | st.just("`a = 1`") | st.just("[the docs](https://example.org/x)")
_paragraph = st.lists(_inline, min_size=1, max_size=12).map(lambda s: ". ".join(s) + ".")
_code = st.lists(st.sampled_from(["x = 1", "    y = 2", "", "print('a long line of code', x)"]), max_size=30)
_fence = st.builds(
    lambda lines, lang: f"```{lang}\n" + "\n".join(lines) + "\n```", _code, st.sampled_from(["", "python", "c++"])
)
_list = st.lists(_paragraph, min_size=1, max_size=8).map(lambda items: "\n".join(f"- {item}" for item in items))
_numbers = st.lists(_inline, min_size=1, max_size=8).map(
    lambda items: "\n".join(f"{n}. {item}\n   more of it" for n, item in enumerate(items, 1))
)
_nested = st.builds(
    lambda item, code: f"1. {item}\n   ```sh\n   " + "\n   ".join(code) + "\n   ```\n2. after", _words, _code
)
_table = st.lists(st.tuples(_words, _words), min_size=1, max_size=15).map(
    lambda rows: "| one | two |\n|---|---|\n" + "\n".join(f"| {a} | {b} |" for a, b in rows)
)
_quote = _paragraph.map(lambda words: "> " + words.replace(". ", ".\n> "))
_heading = st.builds(lambda n, words: f"{'#' * n} {words}", st.integers(1, 6), _words)
_block = _paragraph | _fence | _list | _numbers | _nested | _table | _quote | _heading | st.just("---")

answers = st.lists(_block, min_size=1, max_size=12).map("\n\n".join)
markdown = answers | nasty
