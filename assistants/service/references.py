"""Checks the files and vector stores that a request names, and creates the vector stores it defines."""

from collections.abc import Iterable, Sequence

from assistants.contract import (
    ChunkingStrategy,
    CreateMessage,
    Expiration,
    File,
    FileIds,
    ImageFileContent,
    NewToolResources,
    NewVectorStore,
    ToolResources,
    VectorStore,
    VectorStoreFile,
    VectorStoreIds,
    invalid,
    no_such,
)
from assistants.service import store, vector_stores
from assistants.service.access import Access
from assistants.service.refusals import MOST_MESSAGES, Refused, expect_at_most
from storage.database import Transaction


async def messages(access: Access, parameter: str, said: Sequence[CreateMessage] | None) -> Sequence[CreateMessage]:
    """Return the messages of a request after checking them."""
    expect_at_most(parameter, said or (), MOST_MESSAGES)
    for message in said or ():
        await files(access, _files_of(message))
    return said or ()


async def files(access: Access, ids: Iterable[str]) -> None:
    """Refuse ids of files that do not exist."""
    for file_id in dict.fromkeys(ids):
        try:
            await access.row(File, file_id)
        except Refused:
            # An id in a body is reported in the API's words for bodies, not those for paths.
            raise Refused(no_such("file", file_id)) from None


async def resources(access: Access, wanted: NewToolResources | None, *, days: int | None = None) -> ToolResources:
    """Return checked tool resources. A vector store defined in them is created in the request's own transaction.

    It expires `days` after its last use.
    """
    resources = ToolResources()
    if wanted is None:
        return resources
    if wanted.code_interpreter:
        ids = wanted.code_interpreter.file_ids or []
        await files(access, ids)
        resources.code_interpreter = FileIds(file_ids=ids)
    if search := wanted.file_search:
        if search.vector_store_ids and search.vector_stores:
            why = "vector_store_ids and vector_stores cannot be given together"
            raise Refused(invalid("tool_resources.file_search", why))
        for id_ in search.vector_store_ids or ():
            await access.row(VectorStore, id_)
        made = [await _made(access, new, days) for new in search.vector_stores or ()]
        resources.file_search = VectorStoreIds(vector_store_ids=[*(search.vector_store_ids or ()), *made])
    return resources


async def _made(access: Access, wanted: NewVectorStore, days: int | None) -> str:
    new = vector_stores.new(metadata=wanted.metadata or {}, expires_after=Expiration(days=days) if days else None)
    ids = wanted.file_ids or ()
    await files(access, ids)
    entries = entries_of(new.id, ids, wanted.chunking_strategy)
    access.before.append(lambda tx: create_store(tx, new, entries, access.project))
    return new.id


def entries_of(store_id: str, ids: Sequence[str], chunking: ChunkingStrategy | None) -> list[VectorStoreFile]:
    """Return the vector store's entries for these files."""
    return [VectorStoreFile(**vector_stores.entry(store_id, id_, chunking)) for id_ in dict.fromkeys(ids)]


def create_store(tx: Transaction, new: VectorStore, entries: Sequence[VectorStoreFile], project: str) -> None:
    """Create a vector store with its first files."""
    store.add(tx, new, project=project)
    put_files(tx, entries)


def put_files(tx: Transaction, entries: Sequence[VectorStoreFile], batch_id: str | None = None) -> None:
    """Put all files in one transaction, so that a kill leaves none out. 2,000 files take under 0.2 seconds."""
    for entry in entries:
        vector_stores.put_file(tx, entry, batch_id)


def _files_of(message: CreateMessage) -> Iterable[str]:
    for attachment in message.attachments or ():
        if attachment.file_id:
            yield attachment.file_id
    for part in () if isinstance(message.content, str) else message.content:
        if isinstance(part, ImageFileContent):
            yield part.image_file.file_id
