"""Vector stores: objects and requests for files, indexing and search."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from assistants.contract.base import LimitedMetadata, Metadata, Request, Sparse, Wire

VectorStoreStatus = Literal["expired", "in_progress", "completed"]
IndexingStatus = Literal["in_progress", "completed", "cancelled", "failed"]
AttributeValue = str | bool | int | float
Attributes = dict[str, AttributeValue]
LimitedAttributes = Annotated[
    dict[
        Annotated[str, Field(max_length=64)],
        Annotated[str, Field(max_length=512)] | bool | int | float,
    ],
    Field(max_length=16),
]


class FileCounts(Wire):
    """The number of files by status."""

    in_progress: int = 0
    completed: int = 0
    failed: int = 0
    cancelled: int = 0
    total: int = 0


class Expiration(Wire):
    """How many days after its last use a vector store expires."""

    anchor: Literal["last_active_at"] = "last_active_at"
    days: Annotated[int, Field(ge=1, le=365)]


class VectorStore(Wire):
    """Files that were cut into chunks, to be searched."""

    id: str
    object: Literal["vector_store"] = "vector_store"
    created_at: int
    name: str | None = None
    usage_bytes: int = 0
    file_counts: FileCounts = Field(default_factory=FileCounts)
    status: VectorStoreStatus
    expires_after: Expiration | None = None
    expires_at: int | None = None
    last_active_at: int | None = None
    metadata: Metadata = Field(default_factory=dict)


class IndexingError(Wire):
    """Why a file is not searchable: `server_error`, `unsupported_file` or `invalid_file`."""

    code: str
    message: str


class ChunkSizes(Wire):
    """Sizes in tokens."""

    max_chunk_size_tokens: int
    chunk_overlap_tokens: int


class Chunking(Sparse):
    """How a file was cut: `static` by these sizes, or `other`."""

    type: str
    static: ChunkSizes | None = None


class VectorStoreFile(Sparse):
    """A file in a vector store; its id is the file's."""

    id: str
    object: Literal["vector_store.file"] = "vector_store.file"
    usage_bytes: int = 0
    created_at: int
    vector_store_id: str
    status: IndexingStatus
    # Said as null where there is none: a default of None would leave it out.
    last_error: IndexingError | None = Field(default_factory=lambda: None)
    chunking_strategy: Chunking | None = None
    attributes: Attributes | None = None


class VectorStoreFileBatch(Wire):
    """Files that were put into a vector store together."""

    id: str
    object: Literal["vector_store.files_batch"] = "vector_store.files_batch"
    created_at: int
    vector_store_id: str
    status: IndexingStatus
    file_counts: FileCounts = Field(default_factory=FileCounts)


class TextPiece(Wire):
    """A piece of a file's text."""

    type: str = "text"
    text: str


class SearchResult(Wire):
    """A file that fits a query, and the pieces of it that do."""

    file_id: str
    filename: str
    score: float
    attributes: Attributes | None = None
    content: list[TextPiece]


class SearchResults(Wire):
    """What a search found, best first."""

    object: Literal["vector_store.search_results.page"] = "vector_store.search_results.page"
    search_query: list[str]
    data: list[SearchResult]
    has_more: bool = False
    next_page: str | None = None


class VectorStoreFileContent(Wire):
    """What was read out of a file."""

    object: Literal["vector_store.file_content.page"] = "vector_store.file_content.page"
    data: list[TextPiece]
    has_more: bool = False
    next_page: str | None = None


class AutoChunking(Request):
    type: Literal["auto"] = "auto"


class StaticChunks(Request):
    """Sizes in tokens; the overlap is at most half a chunk."""

    max_chunk_size_tokens: Annotated[int, Field(ge=100, le=4096)]
    chunk_overlap_tokens: Annotated[int, Field(ge=0)]

    @model_validator(mode="after")
    def _at_most_half(self) -> Self:
        if 2 * self.chunk_overlap_tokens > self.max_chunk_size_tokens:
            raise PydanticCustomError("overlap", "chunk_overlap_tokens must not exceed half of max_chunk_size_tokens")
        return self


class StaticChunking(Request):
    type: Literal["static"] = "static"
    static: StaticChunks


ChunkingStrategy = Annotated[AutoChunking | StaticChunking, Field(discriminator="type")]


class NewVectorStore(Request):
    """A vector store made together with the assistant or thread that searches it."""

    file_ids: Annotated[list[str], Field(max_length=10_000)] | None = None
    chunking_strategy: ChunkingStrategy | None = None
    metadata: LimitedMetadata | None = None


class NewExpiration(Request):
    """How many days after its last use a new vector store expires."""

    anchor: Literal["last_active_at"] = "last_active_at"
    days: Annotated[int, Field(ge=1, le=365)]


class ModifyVectorStore(Request):
    """Changes to a vector store; what is not set stays, null clears."""

    name: str | None = None
    expires_after: NewExpiration | None = None
    metadata: LimitedMetadata | None = None


class CreateVectorStore(ModifyVectorStore):
    """A new vector store, with files or without."""

    file_ids: Annotated[list[str], Field(max_length=500)] | None = None
    description: str | None = None
    chunking_strategy: ChunkingStrategy | None = None


class CreateVectorStoreFile(Request):
    """A file to put into a vector store."""

    file_id: str
    chunking_strategy: ChunkingStrategy | None = None
    attributes: LimitedAttributes | None = None


class ModifyVectorStoreFile(Request):
    """New attributes of a file in a vector store; null clears them."""

    attributes: LimitedAttributes | None


class CreateVectorStoreFileBatch(Request):
    """Files to put into a vector store: by id, all in one way, or each with its own attributes and chunking."""

    file_ids: Annotated[list[str], Field(min_length=1, max_length=2000)] | None = None
    files: Annotated[list[CreateVectorStoreFile], Field(min_length=1, max_length=2000)] | None = None
    chunking_strategy: ChunkingStrategy | None = None
    attributes: LimitedAttributes | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.file_ids is None) == (self.files is None):
            raise PydanticCustomError("one_of", "give either file_ids or files", {"parameter": "file_ids"})
        return self


class ComparisonFilter(Request):
    """Files whose attribute `key` compares so with `value`."""

    type: Literal["eq", "ne", "gt", "gte", "lt", "lte", "in", "nin"]
    key: str
    value: AttributeValue | list[str | int | float]


class CompoundFilter(Request):
    """Files that all, or any, of the filters let through."""

    type: Literal["and", "or"]
    filters: "list[Filter]"


Filter = Annotated[ComparisonFilter | CompoundFilter, Field(discriminator="type")]


class SearchRanking(Request):
    """How what is found is ranked, and what is good enough."""

    ranker: Literal["none", "auto", "default-2024-11-15"] | None = None
    score_threshold: Annotated[float, Field(ge=0, le=1)] | None = None


class SearchVectorStore(Request):
    """A search of a vector store by words."""

    query: str | list[str]
    rewrite_query: bool | None = None
    max_num_results: Annotated[int, Field(ge=1, le=50)] | None = None
    filters: Filter | None = None
    ranking_options: SearchRanking | None = None
