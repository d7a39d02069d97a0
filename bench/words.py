"""What it costs to show an answer while it grows, token by token, on every platform.

    python -m bench.words

The same answer at four lengths, each twice the one before. Time that is linear doubles; what is quadratic takes four
times as long. `whole` is what rendering everything anew at every token would cost, for comparison at the two shortest.
"""

import sys
import time
from collections.abc import Callable, Iterator

from adapters.discord import render as discord
from adapters.slack import render as slack
from adapters.web.render import GrowingHtml, html
from bot.segments import Text

LENGTHS = (12_500, 25_000, 50_000, 100_000)
TOKEN = 40

BLOCKS = (
    "## A heading of its own\n\n",
    "A paragraph with **bold** words, `code`, [a link](https://example.org/page) and \\(x^2 \\le 4\\). " * 4 + "\n\n",
    "```python\n" + "for n in range(10):\n    print(n)\n" * 8 + "```\n\n",
    "- an item of a list, with some words\n- another item\n  - a nested one\n\n",
    "| name | value |\n|---|--:|\n" + "| a row | 12 |\n" * 6 + "\n",
    "日本語の文章です。これは二つ目の文です。\n\n",
)


def answer(length: int) -> str:
    text = "".join(BLOCKS) * (length // len("".join(BLOCKS)) + 1)
    return text[:length]


def on_discord() -> Callable[[str], object]:
    letter = discord.letter()
    return lambda text: letter.growing([Text(text)])


def on_slack() -> Callable[[str], object]:
    letter = slack.letter(streams=True)
    return lambda text: letter.growing([Text(text)])


def on_the_page() -> Callable[[str], object]:
    return GrowingHtml().of


def anew() -> Callable[[str], object]:
    return lambda text: html(text + " ")


def prefixes(text: str) -> Iterator[str]:
    return (text[:end] for end in range(TOKEN, len(text) + TOKEN, TOKEN))


def seconds(show: Callable[[str], object], text: str) -> float:
    began = time.perf_counter()
    for prefix in prefixes(text):
        show(prefix)
    return time.perf_counter() - began


def main() -> int:
    print(f"{'characters':>22}" + "".join(f"{length:>12,}" for length in LENGTHS) + "   last ratio")
    for name, make in (("Slack stream", on_slack), ("Discord", on_discord), ("page", on_the_page)):
        times = [seconds(make(), answer(length)) for length in LENGTHS]
        shown = "".join(f"{taken:>11.2f}s" for taken in times)
        print(f"{name:>22}{shown}{times[-1] / times[-2]:>12.1f}x")
    short = [seconds(anew(), answer(length)) for length in (3_125, 6_250)]
    print(f"{'whole anew (3k, 6k)':>22}{short[0]:>11.2f}s{short[1]:>11.2f}s{'':>24}{short[1] / short[0]:>12.1f}x")
    return 0


if __name__ == "__main__":
    sys.exit(main())
