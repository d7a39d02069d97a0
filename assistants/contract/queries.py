"""Query parameters: pagination, order, filters, `include`."""

from typing import Annotated, Literal

from pydantic import Field

from assistants.contract.base import Request
from assistants.contract.steps import Include
from assistants.contract.vector_stores import IndexingStatus

Order = Literal["asc", "desc"]


class ListQuery(Request):
    """A part of a list: newest first unless `order` is asc, 20 items unless `limit` says otherwise."""

    limit: Annotated[int, Field(ge=1, le=100)] | None = None
    order: Order | None = None
    after: str | None = None
    before: str | None = None


class MessagesQuery(ListQuery):
    """`run_id` asks only for what one run wrote."""

    run_id: str | None = None


class IncludeQuery(Request):
    """What to say besides the usual; the name on the wire has brackets."""

    include: Annotated[list[Include] | None, Field(alias="include[]")] = None


class StepsQuery(ListQuery, IncludeQuery):
    """A part of the steps of a run."""


class FilesQuery(Request):
    """A part of all files; there is no `before`."""

    purpose: str | None = None
    limit: Annotated[int, Field(ge=1, le=10_000)] | None = None
    order: Order | None = None
    after: str | None = None


class VectorStoreFilesQuery(ListQuery):
    """A part of the files of a vector store, or of a batch."""

    filter: IndexingStatus | None = None
