"""Turns segments into the Markdown of Slack messages. Pure."""

from bot.words.harmless import harmless
from bot.words.letter import Letter, Style
from bot.words.mrkdwn import mrkdwn
from bot.words.pages import Paper
from bot.words.rewrite import Dialect

# Slack accepts 12,000 characters of markdown_text but refuses a stream of about 10,600 bytes. Posted and streamed
# answers are split alike.
LIMIT = 9_000
# A longer answer is attached as a file as well.
MOST_MESSAGES = 4
CONTINUED = "_continued_\n\n"
NOTHING = "_(no words)_"

# Slack renders tables and every heading by itself.
DIALECT = Dialect()


def size(text: str) -> int:
    """In bytes."""
    return len(text.encode("utf-8", "replace"))


def letter(*, streams: bool = False) -> Letter:
    """A reply as messages, each within Slack's limit. With `streams`, text once shown never changes."""
    return Letter(Style(_PAPER, small, MOST_MESSAGES), append_only=streams)


def small(words: str) -> str:
    return "\n".join(f"_{line}_" for line in words.split("\n") if line.strip())


def status(words: str) -> str:
    return f"_{words}_"


def private(text: str) -> str:
    """Text as Slack's own markup, for answers to commands, which do not support Markdown."""
    return harmless(mrkdwn(text))


_PAPER = Paper(LIMIT, DIALECT.write, size, CONTINUED)
