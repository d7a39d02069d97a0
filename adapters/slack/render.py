"""Turns segments into the Markdown of Slack messages. Pure."""

from collections.abc import Sequence

from bot.segments import Notice, Segment, Snapshot, Text
from bot.words.harmless import harmless
from bot.words.split import split

# Slack's limit for markdown_text.
LIMIT = 12_000
_NOTHING = "_(no words)_"
_OPENERS = frozenset("<@&\\")
_LONGEST_CALL = 80


def parts(segments: Sequence[Segment]) -> list[str]:
    """A whole reply as the texts of its messages, in order, each within Slack's limit; never none."""
    text = whole(segments)
    # Slack refuses a message of blanks alone.
    return [part for part in split(text, LIMIT) if part.strip()] or [_NOTHING]


def whole(segments: Sequence[Segment]) -> str:
    """A reply as one text, however long."""
    return "\n\n".join(_markdown(segment) for segment in segments) if segments else ""


def growing(snapshot: Snapshot) -> str:
    """What stands in the first message while the reply grows."""
    if not snapshot.segments:
        return status(snapshot.status or "…")
    return parts(snapshot.segments)[0]


def flowing(segments: Sequence[Segment]) -> str:
    """What of a growing reply will not change any more, whatever follows: a stream cannot take back a character.

    Our own notices stand under the whole; a last word that may yet become a call, or an escape, waits for its end.
    """
    words = [segment for segment in segments if isinstance(segment, Text)]
    text = "\n\n".join(segment.markdown for segment in words)
    return harmless(_settled(text))


def _settled(text: str) -> str:
    text = text.rstrip()
    begins = 1 + max(text.rfind(blank) for blank in " \n\t")
    word = text[begins:]
    return text[:begins].rstrip() if len(word) <= _LONGEST_CALL and _OPENERS & set(word) else text


def status(words: str) -> str:
    return f"_{words}_"


def private(text: str) -> str:
    """Words of ours as Slack's own markup, for the answer to a command: it takes no Markdown."""
    return harmless(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _markdown(segment: Segment) -> str:
    if isinstance(segment, Notice):
        words = harmless(segment.text)
        return f"_{words}_" if segment.kind == "label" else words
    return harmless(segment.markdown)
