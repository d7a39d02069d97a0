"""Tools of assistants and runs, tool resources and tool choice."""

from typing import Annotated, Any, Literal

from pydantic import Field

from assistants.contract.base import LEFT_FIRST, Request, Sparse, Wire, other_than
from assistants.contract.vector_stores import NewVectorStore

Ranker = Literal["auto", "default_2024_08_21"]


class RankingOptions(Sparse):
    """How search results are ranked and which are good enough."""

    score_threshold: Annotated[float, Field(ge=0, le=1)]
    ranker: Ranker | None = None


class FileSearchOptions(Sparse):
    """How many results a file search may return, and how they are ranked."""

    max_num_results: Annotated[int, Field(ge=1, le=50)] | None = None
    ranking_options: RankingOptions | None = None


class FunctionDefinition(Sparse):
    """A function the caller runs; `parameters` is a JSON schema."""

    name: Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class CodeInterpreterTool(Wire):
    type: Literal["code_interpreter"] = "code_interpreter"


class FileSearchTool(Sparse):
    type: Literal["file_search"] = "file_search"
    file_search: FileSearchOptions | None = None


class FunctionTool(Wire):
    type: Literal["function"] = "function"
    function: FunctionDefinition


class OtherTool(Wire):
    """A tool of a server that has more kinds than the contract."""

    type: Annotated[str, other_than("code_interpreter", "file_search", "function")]


Tool = Annotated[CodeInterpreterTool | FileSearchTool | FunctionTool, Field(discriminator="type")]
AnyTool = Annotated[Tool | OtherTool, LEFT_FIRST]


class FileIds(Wire):
    """The files the code interpreter may read."""

    file_ids: Annotated[list[str], Field(max_length=20)] = Field(default_factory=list)


class VectorStoreIds(Wire):
    """The vector stores a file search looks into."""

    vector_store_ids: Annotated[list[str], Field(max_length=1)] = Field(default_factory=list)


class ToolResources(Sparse):
    """What the tools of an assistant, a thread or a run work with."""

    code_interpreter: FileIds | None = None
    file_search: VectorStoreIds | None = None


class NewFileSearch(Request):
    """Vector stores by id, or one to be made."""

    vector_store_ids: Annotated[list[str], Field(max_length=1)] | None = None
    vector_stores: Annotated[list[NewVectorStore], Field(max_length=1)] | None = None


class NewCodeInterpreter(Request):
    file_ids: Annotated[list[str], Field(max_length=20)] | None = None


class NewToolResources(Request):
    """Tool resources as a request gives them."""

    code_interpreter: NewCodeInterpreter | None = None
    file_search: NewFileSearch | None = None


class TruncationStrategy(Wire):
    """How much of a thread a run reads: what fits, or the last messages."""

    type: Literal["auto", "last_messages"] = "auto"
    last_messages: Annotated[int, Field(ge=1)] | None = None


class FunctionName(Wire):
    name: str


class NamedToolChoice(Sparse):
    """The one tool a run must use."""

    type: Literal["function", "code_interpreter", "file_search"]
    function: FunctionName | None = None


ToolChoice = Literal["none", "auto", "required"] | NamedToolChoice


class TextFormat(Wire):
    type: Literal["text"] = "text"


class JsonObjectFormat(Wire):
    type: Literal["json_object"] = "json_object"


class JsonSchema(Sparse):
    """The schema an answer must follow; `schema_` is `schema` on the wire."""

    name: str
    description: str | None = None
    schema_: Annotated[dict[str, Any] | None, Field(alias="schema")] = None
    strict: bool | None = None


class JsonSchemaFormat(Wire):
    type: Literal["json_schema"] = "json_schema"
    json_schema: JsonSchema


ResponseFormat = (
    Literal["auto"] | Annotated[TextFormat | JsonObjectFormat | JsonSchemaFormat, Field(discriminator="type")]
)
ReasoningEffort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
