"""The interface of models: a stream of pieces, or an error with a sentence for people."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

Request = Mapping[str, Any]
ErrorCode = Literal["server_error", "rate_limit_exceeded", "invalid_prompt"]
Finish = Literal["stop", "length", "tool_calls", "content_filter"]


class ModelError(Exception):
    """The model failed; the text is a sentence for people, `code` the API's error code."""

    def __init__(self, message: str, *, code: ErrorCode = "server_error", retryable: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.retryable = retryable


class PromptTooLong(ModelError):
    """The prompt exceeds the model's context window; `limit` is the number of tokens it named."""

    def __init__(self, message: str, limit: int | None) -> None:
        super().__init__(message, code="invalid_prompt")
        self.limit = limit


@dataclass(frozen=True, slots=True)
class TextPiece:
    """A delta of the answer's text."""

    text: str


@dataclass(frozen=True, slots=True)
class RefusalPiece:
    """A delta of the model's refusal."""

    text: str


@dataclass(frozen=True, slots=True)
class CallPiece:
    """A delta of a function call: the first of an index has id and name, later ones only arguments."""

    index: int
    id: str | None
    name: str | None
    arguments: str


@dataclass(frozen=True, slots=True)
class End:
    """The final piece. Counts are None if the endpoint does not report them; the last two are parts of the others."""

    finish: Finish
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None


Piece = TextPiece | RefusalPiece | CallPiece | End


class ChatModel(Protocol):
    """A model that answers Chat-Completions requests."""

    def stream(self, request: Request) -> AsyncGenerator[Piece, None]:
        """Stream the answer to `request`, ending with one `End`. Its `model` is optional. Raises `ModelError`."""
        ...

    async def aclose(self) -> None: ...
