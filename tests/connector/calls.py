"""One call for each operation of the API, by its name in the API's description, and what it has to ask."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from assistants.connector import AssistantsClient
from assistants.contract import SEARCH_CONTENT, CodeInterpreterTool
from tests.connector.objects import (
    ASSISTANT,
    BATCH,
    CONTENT,
    FILE,
    FOUND,
    INDEXED,
    MODEL,
    PART,
    STEP,
    THREAD,
    UPLOAD,
    VECTOR_STORE,
    deleted,
    listed,
    message,
    run,
)

Call = Callable[[AssistantsClient], Awaitable[Any]]

MESSAGES = [{"role": "user", "content": "Hi"}]
OUTPUTS = [{"tool_call_id": "call_1", "output": "12 °C"}]
FILTER = {"type": "gte", "key": "year", "value": 2026}
CHUNKS = {"type": "static", "static": {"max_chunk_size_tokens": 800, "chunk_overlap_tokens": 400}}
WEEK = {"anchor": "last_active_at", "days": 7}


@dataclass(frozen=True)
class Operation:
    """A call, what a server answers it with, and what it asks: `POST threads`, a JSON body, a query."""

    call: Call
    answer: dict[str, Any]
    asks: str
    body: Any = None
    query: dict[str, list[str]] | None = None


LISTED = {"order": ["desc"]}


async def content(client: AssistantsClient) -> bytes:
    async with client.files.content("file-1") as file:
        return await file.read()


OPERATIONS: dict[str, Operation] = {
    "listAssistants": Operation(
        lambda c: c.assistants.list(limit=100, after="a").page(),
        listed(ASSISTANT),
        "GET assistants",
        query={"limit": ["100"], "after": ["a"], **LISTED},
    ),
    "createAssistant": Operation(
        lambda c: c.assistants.create(
            model="m",
            name="N",
            reasoning_effort="low",
            tools=[CodeInterpreterTool(), {"type": "file_search", "file_search": {"max_num_results": 5}}],
            tool_resources={"file_search": {"vector_stores": [{"file_ids": ["file-1"], "chunking_strategy": CHUNKS}]}},
        ),
        ASSISTANT,
        "POST assistants",
        {
            "model": "m",
            "name": "N",
            "reasoning_effort": "low",
            "tools": [{"type": "code_interpreter"}, {"type": "file_search", "file_search": {"max_num_results": 5}}],
            "tool_resources": {
                "file_search": {"vector_stores": [{"file_ids": ["file-1"], "chunking_strategy": CHUNKS}]}
            },
        },
    ),
    "getAssistant": Operation(lambda c: c.assistants.retrieve("asst_1"), ASSISTANT, "GET assistants/asst_1"),
    "modifyAssistant": Operation(
        lambda c: c.assistants.modify("asst_1", name=None), ASSISTANT, "POST assistants/asst_1", {"name": None}
    ),
    "deleteAssistant": Operation(
        lambda c: c.assistants.delete("asst_1"), deleted("assistant.deleted"), "DELETE assistants/asst_1"
    ),
    "createThread": Operation(
        lambda c: c.threads.create(messages=MESSAGES), THREAD, "POST threads", {"messages": MESSAGES}
    ),
    "getThread": Operation(lambda c: c.threads.retrieve("thread_1"), THREAD, "GET threads/thread_1"),
    "modifyThread": Operation(
        lambda c: c.threads.modify("thread_1", metadata={"a": "b"}),
        THREAD,
        "POST threads/thread_1",
        {"metadata": {"a": "b"}},
    ),
    "deleteThread": Operation(
        lambda c: c.threads.delete("thread_1"), deleted("thread.deleted"), "DELETE threads/thread_1"
    ),
    "createThreadAndRun": Operation(
        lambda c: c.threads.create_and_run(assistant_id="asst_1", thread={"messages": MESSAGES}),
        run(),
        "POST threads/runs",
        {"assistant_id": "asst_1", "thread": {"messages": MESSAGES}},
    ),
    "listMessages": Operation(
        lambda c: c.threads.messages.list("thread_1", run_id="run_1", order="asc").page(),
        listed(message()),
        "GET threads/thread_1/messages",
        query={"run_id": ["run_1"], "order": ["asc"]},
    ),
    "createMessage": Operation(
        lambda c: c.threads.messages.create(
            "thread_1",
            content=[
                {"type": "text", "text": "Look."},
                {"type": "image_file", "image_file": {"file_id": "file-1", "detail": "low"}},
                {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}},
            ],
            attachments=[{"file_id": "file-1", "tools": [{"type": "file_search"}]}],
        ),
        message(),
        "POST threads/thread_1/messages",
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Look."},
                {"type": "image_file", "image_file": {"file_id": "file-1", "detail": "low"}},
                {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}},
            ],
            "attachments": [{"file_id": "file-1", "tools": [{"type": "file_search"}]}],
        },
    ),
    "getMessage": Operation(
        lambda c: c.threads.messages.retrieve("thread_1", "msg_1"), message(), "GET threads/thread_1/messages/msg_1"
    ),
    "modifyMessage": Operation(
        lambda c: c.threads.messages.modify("thread_1", "msg_1", metadata={}),
        message(),
        "POST threads/thread_1/messages/msg_1",
        {"metadata": {}},
    ),
    "deleteMessage": Operation(
        lambda c: c.threads.messages.delete("thread_1", "msg_1"),
        deleted("thread.message.deleted"),
        "DELETE threads/thread_1/messages/msg_1",
    ),
    "listRuns": Operation(
        lambda c: c.threads.runs.list("thread_1", before="run_9").page(),
        listed(run()),
        "GET threads/thread_1/runs",
        query={"before": ["run_9"], **LISTED},
    ),
    "createRun": Operation(
        lambda c: c.threads.runs.create(
            "thread_1", assistant_id="asst_1", tools=(CodeInterpreterTool(),), include=[SEARCH_CONTENT]
        ),
        run(),
        "POST threads/thread_1/runs",
        {"assistant_id": "asst_1", "tools": [{"type": "code_interpreter"}]},
        {"include[]": [SEARCH_CONTENT]},
    ),
    "getRun": Operation(
        lambda c: c.threads.runs.retrieve("thread_1", "run_1"), run(), "GET threads/thread_1/runs/run_1"
    ),
    "modifyRun": Operation(
        lambda c: c.threads.runs.modify("thread_1", "run_1", metadata={}),
        run(),
        "POST threads/thread_1/runs/run_1",
        {"metadata": {}},
    ),
    "cancelRun": Operation(
        lambda c: c.threads.runs.cancel("thread_1", "run_1"), run(), "POST threads/thread_1/runs/run_1/cancel"
    ),
    "submitToolOuputsToRun": Operation(
        lambda c: c.threads.runs.submit_tool_outputs("thread_1", "run_1", tool_outputs=OUTPUTS),
        run(),
        "POST threads/thread_1/runs/run_1/submit_tool_outputs",
        {"tool_outputs": OUTPUTS},
    ),
    "listRunSteps": Operation(
        lambda c: c.threads.runs.steps.list("thread_1", "run_1", include=[SEARCH_CONTENT]).page(),
        listed(STEP),
        "GET threads/thread_1/runs/run_1/steps",
        query={"include[]": [SEARCH_CONTENT], **LISTED},
    ),
    "getRunStep": Operation(
        lambda c: c.threads.runs.steps.retrieve("thread_1", "run_1", "step_1", include=[SEARCH_CONTENT]),
        STEP,
        "GET threads/thread_1/runs/run_1/steps/step_1",
        query={"include[]": [SEARCH_CONTENT]},
    ),
    "listFiles": Operation(
        lambda c: c.files.list(purpose="assistants", limit=10_000).page(),
        listed(FILE),
        "GET files",
        query={"purpose": ["assistants"], "limit": ["10000"], **LISTED},
    ),
    "createFile": Operation(
        lambda c: c.files.create(
            b"Notes", filename="notes.txt", expires_after={"anchor": "created_at", "seconds": 3600}
        ),
        FILE,
        "POST files",
        {
            "purpose": "assistants",
            "expires_after[anchor]": "created_at",
            "expires_after[seconds]": "3600",
            "file": "Notes",
        },
    ),
    "retrieveFile": Operation(lambda c: c.files.retrieve("file-1"), FILE, "GET files/file-1"),
    "deleteFile": Operation(lambda c: c.files.delete("file-1"), deleted("file"), "DELETE files/file-1"),
    "downloadFile": Operation(content, FILE, "GET files/file-1/content"),
    "createUpload": Operation(
        lambda c: c.uploads.create(filename="notes.txt", bytes=5, mime_type="text/plain"),
        UPLOAD,
        "POST uploads",
        {"filename": "notes.txt", "bytes": 5, "mime_type": "text/plain", "purpose": "assistants"},
    ),
    "addUploadPart": Operation(
        lambda c: c.uploads.add_part("upload_1", b"Notes"), PART, "POST uploads/upload_1/parts", {"data": "Notes"}
    ),
    "completeUpload": Operation(
        lambda c: c.uploads.complete("upload_1", part_ids=["part_1"], md5="a"),
        {**UPLOAD, "status": "completed", "file": FILE},
        "POST uploads/upload_1/complete",
        {"part_ids": ["part_1"], "md5": "a"},
    ),
    "cancelUpload": Operation(lambda c: c.uploads.cancel("upload_1"), UPLOAD, "POST uploads/upload_1/cancel"),
    "listVectorStores": Operation(
        lambda c: c.vector_stores.list(limit=1).page(),
        listed(VECTOR_STORE),
        "GET vector_stores",
        query={"limit": ["1"], **LISTED},
    ),
    "createVectorStore": Operation(
        lambda c: c.vector_stores.create(name="Notes", file_ids=["file-1"], expires_after=WEEK),
        VECTOR_STORE,
        "POST vector_stores",
        {"name": "Notes", "file_ids": ["file-1"], "expires_after": WEEK},
    ),
    "getVectorStore": Operation(lambda c: c.vector_stores.retrieve("vs_1"), VECTOR_STORE, "GET vector_stores/vs_1"),
    "modifyVectorStore": Operation(
        lambda c: c.vector_stores.modify("vs_1", name="Notes", expires_after=WEEK),
        VECTOR_STORE,
        "POST vector_stores/vs_1",
        {"name": "Notes", "expires_after": WEEK},
    ),
    "deleteVectorStore": Operation(
        lambda c: c.vector_stores.delete("vs_1"), deleted("vector_store.deleted"), "DELETE vector_stores/vs_1"
    ),
    "searchVectorStore": Operation(
        lambda c: c.vector_stores.search("vs_1", ("notes", "remarks"), max_num_results=5, filters=FILTER),
        FOUND,
        "POST vector_stores/vs_1/search",
        {"query": ["notes", "remarks"], "max_num_results": 5, "filters": FILTER},
    ),
    "listVectorStoreFiles": Operation(
        lambda c: c.vector_stores.files.list("vs_1", filter="failed").page(),
        listed(INDEXED),
        "GET vector_stores/vs_1/files",
        query={"filter": ["failed"], **LISTED},
    ),
    "createVectorStoreFile": Operation(
        lambda c: c.vector_stores.files.create(
            "vs_1", file_id="file-1", attributes={"year": 2026, "draft": False}, chunking_strategy=CHUNKS
        ),
        INDEXED,
        "POST vector_stores/vs_1/files",
        {"file_id": "file-1", "attributes": {"year": 2026, "draft": False}, "chunking_strategy": CHUNKS},
    ),
    "getVectorStoreFile": Operation(
        lambda c: c.vector_stores.files.retrieve("vs_1", "file-1"), INDEXED, "GET vector_stores/vs_1/files/file-1"
    ),
    "updateVectorStoreFileAttributes": Operation(
        lambda c: c.vector_stores.files.modify("vs_1", "file-1", attributes={"year": 2026}),
        INDEXED,
        "POST vector_stores/vs_1/files/file-1",
        {"attributes": {"year": 2026}},
    ),
    "deleteVectorStoreFile": Operation(
        lambda c: c.vector_stores.files.delete("vs_1", "file-1"),
        deleted("vector_store.file.deleted"),
        "DELETE vector_stores/vs_1/files/file-1",
    ),
    "retrieveVectorStoreFileContent": Operation(
        lambda c: c.vector_stores.files.content("vs_1", "file-1"),
        CONTENT,
        "GET vector_stores/vs_1/files/file-1/content",
    ),
    "createVectorStoreFileBatch": Operation(
        lambda c: c.vector_stores.file_batches.create("vs_1", file_ids=["file-1"], attributes={"year": 2026}),
        BATCH,
        "POST vector_stores/vs_1/file_batches",
        {"file_ids": ["file-1"], "attributes": {"year": 2026}},
    ),
    "getVectorStoreFileBatch": Operation(
        lambda c: c.vector_stores.file_batches.retrieve("vs_1", "vsfb_1"),
        BATCH,
        "GET vector_stores/vs_1/file_batches/vsfb_1",
    ),
    "cancelVectorStoreFileBatch": Operation(
        lambda c: c.vector_stores.file_batches.cancel("vs_1", "vsfb_1"),
        BATCH,
        "POST vector_stores/vs_1/file_batches/vsfb_1/cancel",
    ),
    "listFilesInVectorStoreBatch": Operation(
        lambda c: c.vector_stores.file_batches.list_files("vs_1", "vsfb_1").page(),
        listed(INDEXED),
        "GET vector_stores/vs_1/file_batches/vsfb_1/files",
        query=LISTED,
    ),
    "listModels": Operation(lambda c: c.models.list(), {"object": "list", "data": [MODEL]}, "GET models"),
    "retrieveModel": Operation(lambda c: c.models.retrieve("m"), MODEL, "GET models/m"),
    "deleteModel": Operation(lambda c: c.models.delete("m"), deleted("model"), "DELETE models/m"),
}
