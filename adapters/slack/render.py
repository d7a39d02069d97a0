"""Turns segments into the Markdown of Slack messages. Pure."""

from collections.abc import Sequence

from bot.segments import Notice, Segment, Snapshot
from bot.words.harmless import harmless
from bot.words.split import split

# Slack's limit for markdown_text.
LIMIT = 12_000
_NOTHING = "_(no words)_"


def parts(segments: Sequence[Segment]) -> list[str]:
    """A whole reply as the texts of its messages, in order, each within Slack's limit; never none."""
    text = "\n\n".join(_markdown(segment) for segment in segments)
    # Slack refuses a message of blanks alone.
    return [part for part in split(text, LIMIT) if part.strip()] or [_NOTHING]


def growing(snapshot: Snapshot) -> str:
    """What stands in the first message while the reply grows."""
    if not snapshot.segments:
        return f"_{snapshot.status or '…'}_"
    return parts(snapshot.segments)[0]


def private(text: str) -> str:
    """Words of ours as Slack's own markup, for the answer to a command: it takes no Markdown."""
    return harmless(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _markdown(segment: Segment) -> str:
    if isinstance(segment, Notice):
        words = harmless(segment.text)
        return f"_{words}_" if segment.kind == "label" else words
    return harmless(segment.markdown)
