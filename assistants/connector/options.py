"""The options of each call by name: what a request model has, and plain dictionaries where it has models."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict

from assistants.contract import (
    AttachmentInput,
    Attributes,
    AutoChunking,
    CodeInterpreterTool,
    ComparisonFilter,
    CompoundFilter,
    CreateMessage,
    CreateThread,
    FileExpiration,
    FileSearchTool,
    FunctionTool,
    ImageFileContent,
    ImageUrlContent,
    IndexingStatus,
    Metadata,
    NamedToolChoice,
    NewExpiration,
    NewToolResources,
    ReasoningEffort,
    ResponseFormat,
    Role,
    SearchRanking,
    StaticChunking,
    TextInput,
    ToolOutput,
    TruncationStrategy,
)

Plain = Mapping[str, Any]
Tools = Sequence[CodeInterpreterTool | FileSearchTool | FunctionTool | Plain]
ContentParts = Sequence[TextInput | ImageFileContent | ImageUrlContent | Plain]
Attachments = Sequence[AttachmentInput | Plain]
Chunking = AutoChunking | StaticChunking | Plain
Outputs = Sequence[ToolOutput | Plain]


class AssistantOptions(TypedDict, total=False):
    """What an assistant may have besides its model."""

    name: str | None
    description: str | None
    instructions: str | None
    reasoning_effort: ReasoningEffort | None
    tools: Tools
    tool_resources: NewToolResources | Plain | None
    metadata: Metadata | None
    temperature: float | None
    top_p: float | None
    response_format: ResponseFormat | Plain | None


class AssistantChanges(AssistantOptions, total=False):
    """What of an assistant can be changed; None clears."""

    model: str


class AssistantInput(AssistantOptions):
    """An assistant as a plain dictionary."""

    model: str


class MessageOptions(TypedDict, total=False):
    """What a message may have besides its words."""

    attachments: Attachments | None
    metadata: Metadata | None


class MessageInput(MessageOptions):
    """A message as a plain dictionary."""

    role: Role
    content: str | ContentParts


Messages = Sequence[CreateMessage | MessageInput | Plain]


class ThreadChanges(TypedDict, total=False):
    """What of a thread can be changed."""

    tool_resources: NewToolResources | Plain | None
    metadata: Metadata | None


class ThreadOptions(ThreadChanges, total=False):
    """What a thread may be made with."""

    messages: Messages


class SharedRunOptions(TypedDict, total=False):
    """What both ways to start a run have in common."""

    model: str | None
    instructions: str | None
    tools: Tools | None
    metadata: Metadata | None
    temperature: float | None
    top_p: float | None
    max_prompt_tokens: int | None
    max_completion_tokens: int | None
    truncation_strategy: TruncationStrategy | Plain | None
    tool_choice: Literal["none", "auto", "required"] | NamedToolChoice | Plain | None
    parallel_tool_calls: bool
    response_format: ResponseFormat | Plain | None


class RunOptions(SharedRunOptions, total=False):
    """How a run on a thread that is there is to be done."""

    reasoning_effort: ReasoningEffort | None
    additional_instructions: str | None
    additional_messages: Messages | None


class ThreadAndRunOptions(SharedRunOptions, total=False):
    """How a thread is made, and the run on it."""

    thread: CreateThread | Plain
    tool_resources: NewToolResources | Plain | None


class FileOptions(TypedDict, total=False):
    """What a file may have besides its bytes."""

    expires_after: FileExpiration | Plain | None


class VectorStoreChanges(TypedDict, total=False):
    """What of a vector store can be changed; None clears."""

    name: str | None
    expires_after: NewExpiration | Plain | None
    metadata: Metadata | None


class VectorStoreOptions(VectorStoreChanges, total=False):
    """What a vector store may be made with."""

    file_ids: Sequence[str]
    description: str | None
    chunking_strategy: Chunking


class IndexingOptions(TypedDict, total=False):
    """How files are put into a vector store."""

    chunking_strategy: Chunking
    attributes: Attributes | None


class SearchOptions(TypedDict, total=False):
    """How a vector store is searched."""

    rewrite_query: bool
    max_num_results: int
    filters: ComparisonFilter | CompoundFilter | Plain | None
    ranking_options: SearchRanking | Plain | None


class ListOptions(TypedDict, total=False):
    """Which part of a list, and in which order: newest first unless `order` is asc."""

    limit: int
    order: Literal["asc", "desc"]
    after: str
    before: str


class FileListOptions(TypedDict, total=False):
    """Which part of all files."""

    purpose: str
    limit: int
    order: Literal["asc", "desc"]
    after: str


class MessageListOptions(ListOptions, total=False):
    """`run_id` asks only for what one run wrote."""

    run_id: str | None


class VectorStoreFileListOptions(ListOptions, total=False):
    """`filter` asks only for files that are so far."""

    filter: IndexingStatus
