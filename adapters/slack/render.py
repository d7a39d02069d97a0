"""Turns segments into the Markdown of Slack messages. Pure."""

from bot.words.harmless import harmless
from bot.words.letter import Letter, Style
from bot.words.mrkdwn import mrkdwn
from bot.words.pages import Paper
from bot.words.rewrite import Dialect

# Slack takes 12,000 characters of markdown_text, but refuses a stream of some 10,600 bytes: an answer that grew as one
# is cut like one that is posted.
LIMIT = 9_000
# Beyond so many messages the whole answer comes as a file.
MOST = 4
CONTINUED = "_continued_\n\n"
NOTHING = "_(no words)_"

# Slack renders tables and every heading by itself.
DIALECT = Dialect()


def size(text: str) -> int:
    """In bytes."""
    return len(text.encode("utf-8", "replace"))


def letter(*, streams: bool = False) -> Letter:
    """A reply as messages, each within Slack's limit; what `streams` cannot take back a character."""
    return Letter(Style(_PAPER, small, MOST), append_only=streams)


def small(words: str) -> str:
    return "\n".join(f"_{line}_" for line in words.split("\n") if line.strip())


def status(words: str) -> str:
    return f"_{words}_"


def private(text: str) -> str:
    """Words of ours as Slack's own markup, for the answer to a command: it takes no Markdown."""
    return harmless(mrkdwn(text))


_PAPER = Paper(LIMIT, DIALECT.write, size, CONTINUED)
