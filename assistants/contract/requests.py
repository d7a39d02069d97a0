"""Request bodies of the API, with its limits. Unset fields are not sent."""

from typing import Annotated, Literal

from pydantic import Field

from assistants.contract.base import LimitedMetadata, Request
from assistants.contract.content import ContentInput
from assistants.contract.tools import (
    CodeInterpreterTool,
    FileSearchTool,
    NewToolResources,
    ReasoningEffort,
    ResponseFormat,
    Tool,
    ToolChoice,
    TruncationStrategy,
)

Name = Annotated[str, Field(max_length=256)]
Description = Annotated[str, Field(max_length=512)]
Instructions = Annotated[str, Field(max_length=256_000)]
Temperature = Annotated[float, Field(ge=0, le=2)]
TopP = Annotated[float, Field(ge=0, le=1)]
ModelName = Annotated[str, Field(min_length=1)]
TokenLimit = Annotated[int, Field(ge=256)]


class ModifyAssistant(Request):
    """Changes to an assistant; what is not set stays, null clears."""

    model: ModelName | None = None
    name: Name | None = None
    description: Description | None = None
    instructions: Instructions | None = None
    reasoning_effort: ReasoningEffort | None = None
    tools: Annotated[list[Tool], Field(max_length=128)] | None = None
    tool_resources: NewToolResources | None = None
    metadata: LimitedMetadata | None = None
    temperature: Temperature | None = None
    top_p: TopP | None = None
    response_format: ResponseFormat | None = None


class CreateAssistant(ModifyAssistant):
    """A new assistant."""

    model: ModelName


class AttachmentInput(Request):
    """A file to put on a message, and the tools that may use it."""

    file_id: str | None = None
    tools: list[Annotated[CodeInterpreterTool | FileSearchTool, Field(discriminator="type")]] | None = None


class CreateMessage(Request):
    """A new message, alone or as part of a thread or run that is made with it."""

    role: Literal["user", "assistant"]
    content: str | Annotated[list[ContentInput], Field(min_length=1)]
    attachments: list[AttachmentInput] | None = None
    metadata: LimitedMetadata | None = None


class ModifyMessage(Request):
    metadata: LimitedMetadata | None = None


class CreateThread(Request):
    """A new thread, with its first messages if there are any."""

    messages: list[CreateMessage] | None = None
    tool_resources: NewToolResources | None = None
    metadata: LimitedMetadata | None = None


class ModifyThread(Request):
    tool_resources: NewToolResources | None = None
    metadata: LimitedMetadata | None = None


class _RunOptions(Request):
    """What both ways to start a run have in common."""

    assistant_id: str
    model: ModelName | None = None
    instructions: Instructions | None = None
    tools: Annotated[list[Tool], Field(max_length=20)] | None = None
    metadata: LimitedMetadata | None = None
    temperature: Temperature | None = None
    top_p: TopP | None = None
    stream: bool | None = None
    max_prompt_tokens: TokenLimit | None = None
    max_completion_tokens: TokenLimit | None = None
    truncation_strategy: TruncationStrategy | None = None
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    response_format: ResponseFormat | None = None


class CreateRun(_RunOptions):
    """A new run on a thread; `additional_messages` are added to the thread before it starts."""

    reasoning_effort: ReasoningEffort | None = None
    additional_instructions: Instructions | None = None
    additional_messages: list[CreateMessage] | None = None


class CreateThreadAndRun(_RunOptions):
    """A new thread and a run on it, in one request."""

    thread: CreateThread | None = None
    tool_resources: NewToolResources | None = None


class ModifyRun(Request):
    metadata: LimitedMetadata | None = None


class ToolOutput(Request):
    """What a function gave back, as text."""

    tool_call_id: str
    output: str


class SubmitToolOutputs(Request):
    """The outputs of all calls a run waits for."""

    tool_outputs: list[ToolOutput]
    stream: bool | None = None
