"""Cost of rendering a growing answer, token by token, on every platform.

    python -m bench.words

The same answer at four lengths, each twice the previous one, with the growth of processor time per doubling: about two
is linear, four is quadratic. `whole` is the cost of rendering the whole answer again at every token, for comparison at
two short lengths.
"""

import gc
import io
import itertools
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence

from rich.console import Console

from adapters.console.answer import Answer
from adapters.discord import render as discord
from adapters.slack import render as slack
from adapters.web.render import GrowingHtml, html
from adapters.web.wire import Growth, moment_json
from bot.segments import Text
from bot.views import Moment

LENGTHS = (12_500, 25_000, 50_000, 100_000)
# A single endless block.
SHORTER = (6_250, 12_500)
# Warm up: exclude what the first call compiles and caches.
WARM_UP = 3_000
TOKEN = 40

BLOCKS = (
    "## A heading of words\n\n",
    "A paragraph with **bold** words, `code`, [a link](https://example.org/page) and \\(x^2 \\le 4\\). " * 4 + "\n\n",
    "```python\n" + "for n in range(10):\n    print(n)\n" * 8 + "# words\n" + "```\n\n",
    "- an item of a list, with some words\n- another item\n  - a nested one\n\n",
    "| name | value |\n|---|--:|\n" + "| a word | 12 |\n" * 6 + "\n",
    "日本語の文章です。これは二つ目の文です。word\n\n",
)


def answer(length: int) -> str:
    """Return an answer whose blocks are all different, so that no cache can help."""
    numbered = (block.replace("word", f"word {length}-{n}") for n in itertools.count() for block in BLOCKS)
    text = ""
    while len(text) < length:
        text += next(numbered)
    return text[:length]


def table(length: int) -> str:
    return ("| a | b |\n|---|---|\n" + "".join(f"| word {n} | value {n} |\n" for n in range(length // 20)))[:length]


def items(length: int) -> str:
    return "".join(f"- item {n} of one list\n" for n in range(length // 10))[:length]


def fence(length: int) -> str:
    return ("```python\n" + "".join(f"print({n})\n" for n in range(length // 9)))[:length]


def on_discord() -> Callable[[str], object]:
    letter = discord.letter()
    return lambda text: letter.growing([Text(text)])


def on_slack() -> Callable[[str], object]:
    letter = slack.letter(streams=True)
    return lambda text: letter.growing([Text(text)])


def on_slack_edited() -> Callable[[str], object]:
    letter = slack.letter()
    return lambda text: letter.growing([Text(text)])


def on_the_page() -> Callable[[str], object]:
    return GrowingHtml().of


def on_the_terminal() -> Callable[[str], object]:
    shown = Answer(Console(file=io.StringIO(), force_terminal=True, width=100, height=40), "")
    return lambda text: shown.grow([{"type": "text", "markdown": text}], "Assistant")


def on_the_wire() -> Callable[[str], int]:
    """Return the bytes sent to the page for updates."""
    growth = Growth()
    return lambda text: len(
        json.dumps(moment_json(Moment("snapshot", 1, (Text(text),)), growth), ensure_ascii=False).encode()
    )


def anew() -> Callable[[str], object]:
    return lambda text: html(text + " ")


def prefixes(text: str) -> Iterator[str]:
    return (text[:end] for end in range(TOKEN, len(text) + TOKEN, TOKEN))


def seconds(show: Callable[[str], object], text: str) -> float:
    """Return processor seconds, which other load does not affect."""
    gc.collect()
    began = time.process_time()
    for prefix in prefixes(text):
        show(prefix)
    return time.process_time() - began


def told(text: str) -> int:
    tell = on_the_wire()
    return sum(map(tell, prefixes(text)))


def doublings(times: Sequence[float]) -> str:
    return "  ".join(f"{after / before:.1f}x" for before, after in itertools.pairwise(times))


def main() -> int:
    shown = (
        ("Slack stream", on_slack),
        ("Slack edits", on_slack_edited),
        ("Discord", on_discord),
        ("page", on_the_page),
        ("terminal", on_the_terminal),
    )
    print(f"{'characters':>24}" + "".join(f"{length:>12,}" for length in LENGTHS) + "   each doubling")
    for name, make in shown:
        seconds(make(), answer(WARM_UP))
        times = [seconds(make(), answer(length)) for length in LENGTHS]
        print(f"{name:>24}{''.join(f'{taken:>11.2f}s' for taken in times)}   {doublings(times)}")
    for name, make, kind in (
        ("page, a table (6k, 12k)", on_the_page, table),
        ("page, a list (6k, 12k)", on_the_page, items),
        ("terminal, a fence (6k, 12k)", on_the_terminal, fence),
    ):
        times = [seconds(make(), kind(length)) for length in SHORTER]
        print(f"{name:>24}{''.join(f'{taken:>11.2f}s' for taken in times)}{'':>24}   {doublings(times)}")
    for name, kind in (("page's wire, bytes", answer), ("... of one fence", fence)):
        sizes = [told(kind(length)) for length in LENGTHS]
        print(f"{name:>24}{''.join(f'{size:>12,}' for size in sizes)}   {doublings(sizes)}")
    short = [seconds(anew(), answer(length)) for length in (3_125, 6_250)]
    print(f"{'whole anew (3k, 6k)':>24}{short[0]:>11.2f}s{short[1]:>11.2f}s{'':>24}   {doublings(short)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
