"""Vector stores: create, fill, wait for indexing, search."""

from collections.abc import Sequence
from typing import Unpack

from assistants.connector.exchange import Exchange, body, path
from assistants.connector.options import (
    IndexingOptions,
    ListOptions,
    Plain,
    SearchOptions,
    VectorStoreChanges,
    VectorStoreFileListOptions,
    VectorStoreOptions,
)
from assistants.connector.pages import Pages
from assistants.connector.polling import poll
from assistants.contract import (
    Attributes,
    CreateVectorStore,
    CreateVectorStoreFile,
    CreateVectorStoreFileBatch,
    Deleted,
    ModifyVectorStore,
    ModifyVectorStoreFile,
    SearchResults,
    SearchVectorStore,
    VectorStore,
    VectorStoreFile,
    VectorStoreFileBatch,
    VectorStoreFileContent,
    VectorStoreFilesQuery,
)

DEADLINE = 1800.0


class VectorStores:
    """`client.vector_stores`"""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self.files = VectorStoreFiles(exchange)
        self.file_batches = VectorStoreFileBatches(exchange)

    async def create(self, **options: Unpack[VectorStoreOptions]) -> VectorStore:
        return await self._exchange.create(VectorStore, "vector_stores", body(CreateVectorStore, options))

    def list(self, **options: Unpack[ListOptions]) -> Pages[VectorStore]:
        return Pages(self._exchange, VectorStore, "vector_stores", options)

    async def retrieve(self, vector_store_id: str) -> VectorStore:
        return await self._exchange.get(VectorStore, _path(vector_store_id))

    async def modify(self, vector_store_id: str, **changes: Unpack[VectorStoreChanges]) -> VectorStore:
        """Change the given fields; None clears a field."""
        return await self._exchange.post(VectorStore, _path(vector_store_id), body(ModifyVectorStore, changes))

    async def delete(self, vector_store_id: str) -> Deleted:
        """Delete a vector store but not its files."""
        return await self._exchange.delete(Deleted, _path(vector_store_id))

    async def search(
        self, vector_store_id: str, query: str | Sequence[str], **options: Unpack[SearchOptions]
    ) -> SearchResults:
        """Return the best matches for a query, best first."""
        asked = query if isinstance(query, str) else [*query]
        request = body(SearchVectorStore, {"query": asked, **options})
        return await self._exchange.post(SearchResults, _path(vector_store_id, "search"), request)


class VectorStoreFiles:
    """`client.vector_stores.files`"""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def create(
        self, vector_store_id: str, *, file_id: str, **options: Unpack[IndexingOptions]
    ) -> VectorStoreFile:
        """Put a file into a vector store; it is searchable once `wait` returns it as completed."""
        request = body(CreateVectorStoreFile, {"file_id": file_id, **options})
        return await self._exchange.create(VectorStoreFile, _path(vector_store_id, "files"), request)

    def list(self, vector_store_id: str, **options: Unpack[VectorStoreFileListOptions]) -> Pages[VectorStoreFile]:
        where = _path(vector_store_id, "files")
        return Pages(self._exchange, VectorStoreFile, where, options, query=VectorStoreFilesQuery)

    async def retrieve(self, vector_store_id: str, file_id: str) -> VectorStoreFile:
        return await self._exchange.get(VectorStoreFile, _file(vector_store_id, file_id))

    async def modify(self, vector_store_id: str, file_id: str, *, attributes: Attributes | None) -> VectorStoreFile:
        request = body(ModifyVectorStoreFile, {"attributes": attributes})
        return await self._exchange.post(VectorStoreFile, _file(vector_store_id, file_id), request)

    async def delete(self, vector_store_id: str, file_id: str) -> Deleted:
        """Remove a file from a vector store without deleting the file."""
        return await self._exchange.delete(Deleted, _file(vector_store_id, file_id))

    async def content(self, vector_store_id: str, file_id: str) -> VectorStoreFileContent:
        """Return the text extracted from a file."""
        return await self._exchange.get(VectorStoreFileContent, _file(vector_store_id, file_id, "content"))

    async def wait(self, vector_store_id: str, file_id: str, *, deadline: float = DEADLINE) -> VectorStoreFile:
        """Wait until a file is completed, failed or cancelled."""
        where = _file(vector_store_id, file_id)
        return await poll(self._exchange, VectorStoreFile, where, until=_is_over, deadline=deadline)


class VectorStoreFileBatches:
    """`client.vector_stores.file_batches`"""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def create(
        self,
        vector_store_id: str,
        *,
        file_ids: Sequence[str] | None = None,
        files: Sequence[CreateVectorStoreFile | Plain] | None = None,
        **options: Unpack[IndexingOptions],
    ) -> VectorStoreFileBatch:
        """Put files into a vector store: by id with shared options, or each with its own attributes and chunking."""
        given = {"file_ids": file_ids, "files": files}
        chosen = {name: [*value] for name, value in given.items() if value is not None}
        request = body(CreateVectorStoreFileBatch, {**chosen, **options})
        return await self._exchange.create(VectorStoreFileBatch, _path(vector_store_id, "file_batches"), request)

    async def retrieve(self, vector_store_id: str, batch_id: str) -> VectorStoreFileBatch:
        return await self._exchange.get(VectorStoreFileBatch, _batch(vector_store_id, batch_id))

    async def cancel(self, vector_store_id: str, batch_id: str) -> VectorStoreFileBatch:
        return await self._exchange.post(VectorStoreFileBatch, _batch(vector_store_id, batch_id, "cancel"))

    def list_files(
        self, vector_store_id: str, batch_id: str, **options: Unpack[VectorStoreFileListOptions]
    ) -> Pages[VectorStoreFile]:
        where = _batch(vector_store_id, batch_id, "files")
        return Pages(self._exchange, VectorStoreFile, where, options, query=VectorStoreFilesQuery)

    async def wait(self, vector_store_id: str, batch_id: str, *, deadline: float = DEADLINE) -> VectorStoreFileBatch:
        """Wait until no file of the batch is in progress."""
        where = _batch(vector_store_id, batch_id)
        return await poll(self._exchange, VectorStoreFileBatch, where, until=_is_over, deadline=deadline)


def _is_over(indexed: VectorStoreFile | VectorStoreFileBatch) -> bool:
    return indexed.status != "in_progress"


def _path(vector_store_id: str, *rest: str) -> str:
    return path("vector_stores", "{vector_store_id}", *rest, vector_store_id=vector_store_id)


def _file(vector_store_id: str, file_id: str, *rest: str) -> str:
    ids = {"vector_store_id": vector_store_id, "file_id": file_id}
    return path("vector_stores", "{vector_store_id}", "files", "{file_id}", *rest, **ids)


def _batch(vector_store_id: str, batch_id: str, *rest: str) -> str:
    ids = {"vector_store_id": vector_store_id, "batch_id": batch_id}
    return path("vector_stores", "{vector_store_id}", "file_batches", "{batch_id}", *rest, **ids)
