"""Run steps and their stream deltas."""

from typing import Annotated, Any, Literal

from pydantic import Field

from assistants.contract.base import LEFT_FIRST, Metadata, Sparse, Wire, other_than
from assistants.contract.vector_stores import TextPiece

# What a request for steps may name in `include[]` to have the text that a file search found.
Include = Literal["step_details.tool_calls[*].file_search.results[*].content"]
SEARCH_CONTENT: Include = "step_details.tool_calls[*].file_search.results[*].content"
StepStatus = Literal["in_progress", "cancelled", "failed", "completed", "expired"]
CALL_TYPES = ("code_interpreter", "file_search", "function")


class CreatedMessage(Wire):
    message_id: str


class MessageCreation(Wire):
    """A step that wrote a message."""

    type: Literal["message_creation"] = "message_creation"
    message_creation: CreatedMessage


class CalledFunction(Wire):
    """`arguments` is JSON as the model wrote it; `output` is null until the caller has submitted it."""

    name: str
    arguments: str
    output: str | None = None


class FunctionCall(Wire):
    id: str
    type: Literal["function"] = "function"
    function: CalledFunction


class LogsOutput(Wire):
    type: Literal["logs"] = "logs"
    logs: str


class OutputImage(Wire):
    file_id: str


class ImageOutput(Wire):
    type: Literal["image"] = "image"
    image: OutputImage


class OtherOutput(Wire):
    type: Annotated[str, other_than("logs", "image")]


CodeOutput = Annotated[Annotated[LogsOutput | ImageOutput, Field(discriminator="type")] | OtherOutput, LEFT_FIRST]


class InterpretedCode(Wire):
    input: str
    outputs: list[CodeOutput] = Field(default_factory=list)


class CodeInterpreterCall(Wire):
    id: str
    type: Literal["code_interpreter"] = "code_interpreter"
    code_interpreter: InterpretedCode


class FileSearchResult(Sparse):
    """A hit of a file search; its content comes only when it was asked for by `include`."""

    file_id: str
    file_name: str
    score: float
    content: list[TextPiece] | None = None


class RankingUsed(Wire):
    """How a search was ranked."""

    ranker: str | None = "auto"
    score_threshold: float = 0.0


class FileSearch(Sparse):
    ranking_options: RankingUsed | None = None
    results: list[FileSearchResult] | None = None


class FileSearchCall(Wire):
    id: str
    type: Literal["file_search"] = "file_search"
    file_search: FileSearch


class OtherToolCall(Wire):
    """A call of a tool that the contract does not have."""

    type: Annotated[str, other_than(*CALL_TYPES)]


ToolCall = Annotated[
    Annotated[FunctionCall | CodeInterpreterCall | FileSearchCall, Field(discriminator="type")] | OtherToolCall,
    LEFT_FIRST,
]


class ToolCalls(Wire):
    """A step that called tools."""

    type: Literal["tool_calls"] = "tool_calls"
    tool_calls: list[ToolCall] = Field(default_factory=list)


class OtherStepDetails(Wire):
    """A step of a server that does more kinds of things than the contract has."""

    type: Annotated[str, other_than("message_creation", "tool_calls")]


StepDetails = Annotated[
    Annotated[MessageCreation | ToolCalls, Field(discriminator="type")] | OtherStepDetails, LEFT_FIRST
]


class StepError(Wire):
    """Why a step failed: `server_error` or `rate_limit_exceeded`."""

    code: str
    message: str


class Usage(Sparse):
    """Tokens used, once a run or step has ended."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_token_details: dict[str, Any] | None = None
    completion_tokens_details: dict[str, Any] | None = None


class RunStep(Wire):
    """One thing a run did: it wrote a message, or called tools."""

    id: str
    object: Literal["thread.run.step"] = "thread.run.step"
    created_at: int
    assistant_id: str
    thread_id: str
    run_id: str
    type: str
    status: StepStatus
    step_details: StepDetails
    last_error: StepError | None = None
    expires_at: int | None = None
    expired_at: int | None = None
    cancelled_at: int | None = None
    failed_at: int | None = None
    completed_at: int | None = None
    metadata: Metadata = Field(default_factory=dict)
    usage: Usage | None = None


class CalledFunctionDelta(Sparse):
    """The first piece has the name and `output: null`, later ones only more of the arguments."""

    name: str | None = None
    arguments: str | None = None
    output: str | None = None


class FunctionCallDelta(Sparse):
    index: int
    id: str | None = None
    type: Literal["function"] = "function"
    function: CalledFunctionDelta | None = None


class OutputImageDelta(Sparse):
    file_id: str | None = None


class CodeOutputDelta(Sparse):
    """A piece of what the code printed or drew."""

    index: int
    type: str
    logs: str | None = None
    image: OutputImageDelta | None = None


class InterpretedCodeDelta(Sparse):
    input: str | None = None
    outputs: list[CodeOutputDelta] | None = None


class CodeInterpreterCallDelta(Sparse):
    index: int
    id: str | None = None
    type: Literal["code_interpreter"] = "code_interpreter"
    code_interpreter: InterpretedCodeDelta | None = None


class FileSearchCallDelta(Sparse):
    index: int
    id: str | None = None
    type: Literal["file_search"] = "file_search"
    file_search: FileSearch


class OtherToolCallDelta(Sparse):
    index: int
    type: Annotated[str, other_than(*CALL_TYPES)]


ToolCallDelta = Annotated[
    Annotated[FunctionCallDelta | CodeInterpreterCallDelta | FileSearchCallDelta, Field(discriminator="type")]
    | OtherToolCallDelta,
    LEFT_FIRST,
]


class MessageCreationDelta(Sparse):
    type: Literal["message_creation"] = "message_creation"
    message_creation: CreatedMessage | None = None


class ToolCallsDelta(Sparse):
    type: Literal["tool_calls"] = "tool_calls"
    tool_calls: list[ToolCallDelta] | None = None


class StepPiece(Sparse):
    step_details: (
        Annotated[
            Annotated[MessageCreationDelta | ToolCallsDelta, Field(discriminator="type")] | OtherStepDetails, LEFT_FIRST
        ]
        | None
    ) = None


class RunStepDelta(Wire):
    """More of a run step: merge lists by index, append strings."""

    id: str
    object: Literal["thread.run.step.delta"] = "thread.run.step.delta"
    delta: StepPiece
