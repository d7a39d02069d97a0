"""Counts tokens without a tokenizer: by bytes, at a rate learnt from what the endpoint says it used."""

from collections.abc import Iterable, Mapping
from typing import Any

# Tokens a byte before anything is learnt: a little above English prose, so that a first guess errs to the safe side.
FIRST_RATE = 0.3
SLOWEST, FASTEST = 0.02, 1.5
# What a chat template adds to every message.
MESSAGE_TOKENS = 4
# A picture in a size that models are shown by default.
IMAGE_TOKENS = 800
# Fewer bytes say more about the template than about the text.
TELLING = 400

ChatMessage = Mapping[str, Any]
# Bytes of text and number of pictures in a message.
Size = tuple[int, int]


class Gauge:
    """How many tokens text makes for one model."""

    def __init__(self, rate: float = FIRST_RATE) -> None:
        self.rate = rate

    def tokens(self, message: ChatMessage) -> int:
        """What one message of a request comes to."""
        return self.cost(measured(message))

    def cost(self, size: Size) -> int:
        """The same for a message that was measured before."""
        text, images = size
        return MESSAGE_TOKENS + images * IMAGE_TOKENS + self.of_bytes(text)

    def of_bytes(self, count: int) -> int:
        return int(count * self.rate) + 1

    def bytes_in(self, tokens: int) -> int:
        """How much text so many tokens are."""
        return max(int(tokens / self.rate), 0)

    def learn(self, messages: Iterable[ChatMessage], more_bytes: int, prompt_tokens: int) -> None:
        """Take in what a prompt really came to. `more_bytes` is what was said beside the messages, such as tools."""
        text, count = more_bytes, 0
        for message in messages:
            bytes_, images = measured(message)
            if images:
                return
            text, count = text + bytes_, count + 1
        if text < TELLING:
            return
        seen = min(max((prompt_tokens - MESSAGE_TOKENS * count) / text, SLOWEST), FASTEST)
        # A prompt that was larger than thought is believed at once: the next one must fit.
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
