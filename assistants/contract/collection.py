"""The export format: objects with their ids, and files with their bytes."""

from collections.abc import Iterator

from pydantic import Field

from assistants.contract.base import Wire
from assistants.contract.files import File
from assistants.contract.objects import Assistant, Message, Thread
from assistants.contract.vector_stores import VectorStore, VectorStoreFile


class KeptFile(Wire):
    """A file and its bytes, in base64."""

    file: File
    content: str


class KeptStore(Wire):
    """A vector store and its file entries."""

    vector_store: VectorStore
    files: list[VectorStoreFile] = Field(default_factory=list)


class KeptThread(Wire):
    """A thread and its messages, the oldest first."""

    thread: Thread
    messages: list[Message] = Field(default_factory=list)


class Collection(Wire):
    """A complete export."""

    assistants: list[Assistant] = Field(default_factory=list)
    vector_stores: list[KeptStore] = Field(default_factory=list)
    files: list[KeptFile] = Field(default_factory=list)
    threads: list[KeptThread] = Field(default_factory=list)

    def files_named(self) -> set[str]:
        """The ids of all files that its objects name."""
        named = {file.id for kept in self.vector_stores for file in kept.files}
        for owner in self._owners():
            if owner.tool_resources and owner.tool_resources.code_interpreter:
                named.update(owner.tool_resources.code_interpreter.file_ids)
        for message in (message for kept in self.threads for message in kept.messages):
            named.update(a.file_id for a in message.attachments or () if a.file_id)
            named.update(part.image_file.file_id for part in message.content if part.type == "image_file")  # type: ignore[union-attr]
        return named

    def stores_named(self) -> set[str]:
        """The ids of all vector stores that its objects name."""
        searches = (owner.tool_resources.file_search for owner in self._owners() if owner.tool_resources)
        return {id_ for search in searches if search for id_ in search.vector_store_ids}

    def _owners(self) -> Iterator[Assistant | Thread]:
        """What has tools with something to work on."""
        yield from self.assistants
        yield from (kept.thread for kept in self.threads)
