"""Estimates tokens without a tokenizer: from bytes, at a rate learned from the usage that the endpoint reports."""

from collections.abc import Iterable, Mapping
from typing import Any

# Initial tokens per byte: slightly more than English prose, so that the first estimate errs on the safe side.
FIRST_RATE = 0.3
SLOWEST, FASTEST = 0.02, 1.5
# Tokens that a chat template adds to every message.
MESSAGE_TOKENS = 4
# Tokens of a picture at the default size.
IMAGE_TOKENS = 800
# Smaller prompts reflect the template more than the text, so nothing is learned from them.
TELLING = 400

ChatMessage = Mapping[str, Any]
# Bytes of text and number of pictures in a message.
Size = tuple[int, int]


class Gauge:
    """The token estimate for one model."""

    def __init__(self, rate: float = FIRST_RATE) -> None:
        self.rate = rate

    def tokens(self, message: ChatMessage) -> int:
        """Estimate the tokens of one message."""
        return self.cost(measured(message))

    def cost(self, size: Size) -> int:
        """Estimate the tokens of a message that was measured before."""
        text, images = size
        return MESSAGE_TOKENS + images * IMAGE_TOKENS + self.of_bytes(text)

    def of_bytes(self, count: int) -> int:
        return int(count * self.rate) + 1

    def bytes_in(self, tokens: int) -> int:
        """Return how many bytes of text make this many tokens."""
        return max(int(tokens / self.rate), 0)

    def learn(self, messages: Iterable[ChatMessage], more_bytes: int, prompt_tokens: int) -> None:
        """Learn from a prompt's actual size. `more_bytes` counts what the request has besides messages."""
        text, count = more_bytes, 0
        for message in messages:
            bytes_, images = measured(message)
            if images:
                return
            text, count = text + bytes_, count + 1
        if text < TELLING:
            return
        seen = min(max((prompt_tokens - MESSAGE_TOKENS * count) / text, SLOWEST), FASTEST)
        # An underestimate is corrected at once, because the next prompt must fit.
        self.rate = seen if seen > self.rate else 0.8 * self.rate + 0.2 * seen


def measured(message: ChatMessage) -> Size:
    text = images = 0
    content = message.get("content")
    if isinstance(content, str):
        text = _bytes(content)
    else:
        for part in content or ():
            if part.get("type") == "image_url":
                images += 1
            else:
                text += _bytes(part.get("text", ""))
    for call in message.get("tool_calls", ()):
        text += _bytes(call["function"]["name"]) + _bytes(call["function"]["arguments"])
    return text, images


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())
