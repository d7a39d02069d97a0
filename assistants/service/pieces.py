"""What every model is to the service: something that answers a request in pieces, or fails with a sentence."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

Request = Mapping[str, Any]
ErrorCode = Literal["server_error", "rate_limit_exceeded", "invalid_prompt"]
Finish = Literal["stop", "length", "tool_calls", "content_filter"]


class ModelError(Exception):
    """The model gave no answer; the text is a sentence for whoever asked, `code` the API's word for it."""

    def __init__(self, message: str, *, code: ErrorCode = "server_error", retryable: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.retryable = retryable


class PromptTooLong(ModelError):
    """The model cannot read so much at once; `limit` is the number of tokens it named."""

    def __init__(self, message: str, limit: int | None) -> None:
        super().__init__(message, code="invalid_prompt")
        self.limit = limit


@dataclass(frozen=True, slots=True)
class TextPiece:
    """More of the answer's text."""

    text: str


@dataclass(frozen=True, slots=True)
class RefusalPiece:
    """More of the words with which the model refuses to answer."""

    text: str


@dataclass(frozen=True, slots=True)
class CallPiece:
    """More of a function call: the first piece of an index has its id and name, the later ones only more arguments."""

    index: int
    id: str | None
    name: str | None
    arguments: str


@dataclass(frozen=True, slots=True)
class End:
    """The last piece. Counts are None when the endpoint does not tell them; the last two are parts of the others."""

    finish: Finish
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None


Piece = TextPiece | RefusalPiece | CallPiece | End


class ChatModel(Protocol):
    """Something that answers Chat-Completions requests."""

    def stream(self, request: Request) -> AsyncGenerator[Piece, None]:
        """The answer to `request`, ended by one `End`; without a `model` in it, by the own one. Raises `ModelError`."""
        ...

    async def aclose(self) -> None: ...
