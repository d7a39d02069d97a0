"""Turns segments into the Markdown of Discord messages. Pure."""

from collections.abc import Sequence

from bot.segments import Notice, Segment
from bot.words.harmless import harmless
from bot.words.split import split

# Discord's limit for a message's content.
LIMIT = 2_000
TOGETHER = "-# Answered together with the next question."
_NOTHING = "-# (no words)"
_ASKED = 200


def parts(segments: Sequence[Segment], *, asked: str = "") -> list[str]:
    """A reply as the texts of its messages, in order, each within Discord's limit; `asked` is quoted above it.

    More text only ever changes the last part and adds others: a part that was followed by another stays as it is.
    """
    text = "\n\n".join(_markdown(segment) for segment in segments)
    if text.strip() and asked:
        text = f"{_quote(asked)}\n{text}"
    # Discord refuses a message of blanks alone.
    return [part for part in split(text, LIMIT) if part.strip()]


def whole(segments: Sequence[Segment], *, asked: str = "") -> list[str]:
    """The finished reply: never nothing at all."""
    return parts(segments, asked=asked) or [_NOTHING]


def private(text: str) -> list[str]:
    """Words of ours for the answer to a command."""
    return split(harmless(text), LIMIT)


def _quote(asked: str) -> str:
    words = " ".join(harmless(asked).split())
    return "> " + (words if len(words) <= _ASKED else words[: _ASKED - 1] + "…")


def _markdown(segment: Segment) -> str:
    if isinstance(segment, Notice):
        words = harmless(segment.text)
        return f"-# {words}" if segment.kind == "label" else words
    return harmless(segment.markdown)
