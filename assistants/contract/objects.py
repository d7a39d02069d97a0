"""The API's response objects: assistants, threads, messages, runs, and lists of them."""

from typing import Generic, Literal, TypeVar

from pydantic import Field

from assistants.contract.base import Metadata, Sparse, Wire
from assistants.contract.content import Content, ContentDelta, RefusalContent, RefusalDelta, TextContent, TextDelta
from assistants.contract.lifecycle import MessageStatus, RunStatus
from assistants.contract.steps import Usage
from assistants.contract.tools import (
    AnyTool,
    ReasoningEffort,
    ResponseFormat,
    ToolChoice,
    ToolResources,
    TruncationStrategy,
)

Role = Literal["user", "assistant"]


class Assistant(Wire):
    """A model with instructions and tools, under a name."""

    id: str
    object: Literal["assistant"] = "assistant"
    created_at: int
    name: str | None = None
    description: str | None = None
    model: str
    instructions: str | None = None
    tools: list[AnyTool] = Field(default_factory=list)
    tool_resources: ToolResources | None = None
    metadata: Metadata = Field(default_factory=dict)
    temperature: float | None = 1.0
    top_p: float | None = 1.0
    response_format: ResponseFormat | None = "auto"
    reasoning_effort: ReasoningEffort | None = None


class Thread(Wire):
    """A conversation's messages, kept by the server."""

    id: str
    object: Literal["thread"] = "thread"
    created_at: int
    tool_resources: ToolResources | None = None
    metadata: Metadata = Field(default_factory=dict)


class Reason(Wire):
    """Why a message or run is incomplete."""

    reason: str


class Attachment(Sparse):
    """A file on a message, and the tools that may use it."""

    file_id: str | None = None
    tools: list[AnyTool] | None = None


class Message(Wire):
    """A message in a thread."""

    id: str
    object: Literal["thread.message"] = "thread.message"
    created_at: int
    thread_id: str
    status: MessageStatus
    incomplete_details: Reason | None = None
    completed_at: int | None = None
    incomplete_at: int | None = None
    role: Role
    content: list[Content]
    assistant_id: str | None = None
    run_id: str | None = None
    attachments: list[Attachment] | None = Field(default_factory=list)
    metadata: Metadata = Field(default_factory=dict)

    @property
    def text(self) -> str:
        """The words of the message, a refusal's too, without images."""
        return "".join(map(_words, self.content))


def _words(part: Content) -> str:
    if isinstance(part, TextContent):
        return part.text.value
    return part.refusal if isinstance(part, RefusalContent) else ""


class MessagePiece(Sparse):
    role: Role | None = None
    content: list[ContentDelta] | None = None


class MessageDelta(Wire):
    """More of a message: merge content by index, append text."""

    id: str
    object: Literal["thread.message.delta"] = "thread.message.delta"
    delta: MessagePiece

    @property
    def text(self) -> str:
        """The words this piece appends."""
        text = ""
        for part in self.delta.content or ():
            if isinstance(part, TextDelta) and part.text is not None:
                text += part.text.value or ""
            elif isinstance(part, RefusalDelta):
                text += part.refusal or ""
        return text


class RequestedFunction(Wire):
    """`arguments` is JSON as the model wrote it: it may be malformed."""

    name: str
    arguments: str


class RequestedCall(Wire):
    """A function call that waits for its output."""

    id: str
    type: Literal["function"] = "function"
    function: RequestedFunction


class RequestedCalls(Wire):
    tool_calls: list[RequestedCall]


class RequiredAction(Wire):
    """What a run waits for: the outputs of these calls, all in one request."""

    type: Literal["submit_tool_outputs"] = "submit_tool_outputs"
    submit_tool_outputs: RequestedCalls


class LastError(Wire):
    """Why a run failed: `server_error`, `rate_limit_exceeded` or `invalid_prompt`."""

    code: str
    message: str


class Run(Wire):
    """An assistant at work on a thread."""

    id: str
    object: Literal["thread.run"] = "thread.run"
    created_at: int
    thread_id: str
    assistant_id: str
    status: RunStatus
    required_action: RequiredAction | None = None
    last_error: LastError | None = None
    expires_at: int | None = None
    started_at: int | None = None
    cancelled_at: int | None = None
    failed_at: int | None = None
    completed_at: int | None = None
    incomplete_details: Reason | None = None
    model: str
    instructions: str | None = None
    tools: list[AnyTool] = Field(default_factory=list)
    tool_resources: ToolResources | None = Field(default_factory=ToolResources)
    metadata: Metadata = Field(default_factory=dict)
    usage: Usage | None = None
    temperature: float | None = 1.0
    top_p: float | None = 1.0
    max_prompt_tokens: int | None = None
    max_completion_tokens: int | None = None
    truncation_strategy: TruncationStrategy | None = Field(default_factory=TruncationStrategy)
    tool_choice: ToolChoice | None = "auto"
    parallel_tool_calls: bool = True
    response_format: ResponseFormat | None = "auto"
    reasoning_effort: ReasoningEffort | None = None


class Model(Wire):
    """A model the server can run."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str


class Deleted(Wire):
    """What a delete answers; `object` is `thread.deleted` and the like, and plain `file` or `model` for these two."""

    id: str
    object: str
    deleted: bool = True


T = TypeVar("T", bound=Wire)


class ListPage(Wire, Generic[T]):
    """One page of a list; an empty one has null ids."""

    object: Literal["list"] = "list"
    data: list[T]
    first_id: str | None = None
    last_id: str | None = None
    has_more: bool = False


class ModelList(Wire):
    """All models: the one list without pages."""

    object: Literal["list"] = "list"
    data: list[Model]
