"""Makes files attached to a thread's messages available to the thread's tools."""

from collections.abc import Sequence

from assistants.contract import (
    Attachment,
    CodeInterpreterTool,
    Expiration,
    FileIds,
    FileSearchTool,
    Message,
    Thread,
    ToolResources,
    VectorStoreFile,
    VectorStoreIds,
    Wire,
)
from assistants.service import vector_stores
from assistants.service.rows import to_row
from storage import objects
from storage.database import Transaction

# A vector store created with a thread expires a week after its last use.
DAYS = 7


def attach(tx: Transaction, thread: Thread, messages: Sequence[Message], project: str) -> Thread:
    """Return the thread updated with the files of its new messages."""
    found = [attachment for message in messages for attachment in message.attachments or ()]
    code = [a.file_id for a in found if a.file_id and _has(a, CodeInterpreterTool)]
    search = [a.file_id for a in found if a.file_id and _has(a, FileSearchTool)]
    if not code and not search:
        return thread
    resources = thread.tool_resources or ToolResources()
    if code:
        before = resources.code_interpreter.file_ids if resources.code_interpreter else []
        resources = resources.model_copy(update={"code_interpreter": FileIds(file_ids=_without_repeats(before, code))})
    if search:
        before = resources.file_search.vector_store_ids if resources.file_search else []
        store_id = before[0] if before else _searched(tx, project)
        for file_id in search:
            vector_stores.put_file(tx, VectorStoreFile(**vector_stores.entry(store_id, file_id)))
        resources = resources.model_copy(update={"file_search": VectorStoreIds(vector_store_ids=[store_id])})
    thread = thread.model_copy(update={"tool_resources": resources})
    objects.save(tx, "threads", to_row(thread))
    return thread


def _has(attachment: Attachment, kind: type[Wire]) -> bool:
    return any(isinstance(tool, kind) for tool in attachment.tools or ())


def _without_repeats(*lists: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(item for items in lists for item in items))


def _searched(tx: Transaction, project: str) -> str:
    """Create a vector store for a thread's attachments."""
    store = vector_stores.new(expires_after=Expiration(days=DAYS))
    tx.insert("vector_stores", to_row(store, project=project))
    return store.id
