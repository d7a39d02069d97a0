"""Objects as a server of the API answers them."""

from typing import Any

THREAD: dict[str, Any] = {
    "id": "thread_1",
    "object": "thread",
    "created_at": 1720104398,
    "tool_resources": {},
    "metadata": {},
}
ASSISTANT: dict[str, Any] = {
    "id": "asst_1",
    "object": "assistant",
    "created_at": 1720104398,
    "name": "Math Tutor",
    "description": None,
    "model": "gpt-4o",
    "instructions": "Help with mathematics.",
    "tools": [{"type": "code_interpreter"}],
    "tool_resources": {"code_interpreter": {"file_ids": []}},
    "metadata": {},
    "temperature": 1.0,
    "top_p": 1.0,
    "response_format": "auto",
}
STEP: dict[str, Any] = {
    "id": "step_1",
    "object": "thread.run.step",
    "created_at": 1720104399,
    "run_id": "run_1",
    "assistant_id": "asst_1",
    "thread_id": "thread_1",
    "type": "tool_calls",
    "status": "completed",
    "cancelled_at": None,
    "completed_at": 1720104400,
    "expires_at": None,
    "failed_at": None,
    "last_error": None,
    "step_details": {
        "type": "tool_calls",
        "tool_calls": [
            {
                "id": "call_1",
                "type": "function",
                "function": {"name": "get_weather", "arguments": '{"city": "Ulm"}', "output": None},
            }
        ],
    },
    "usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7},
}


def message(id_: str = "msg_1", text: str = "Hello", *, role: str = "assistant") -> dict[str, Any]:
    return {
        "id": id_,
        "object": "thread.message",
        "created_at": 1720104399,
        "assistant_id": "asst_1",
        "thread_id": "thread_1",
        "run_id": "run_1",
        "status": "completed",
        "incomplete_details": None,
        "incomplete_at": None,
        "completed_at": 1720104399,
        "role": role,
        "content": [{"type": "text", "text": {"value": text, "annotations": []}}],
        "attachments": [],
        "metadata": {},
    }


def run(status: str = "completed", **fields: Any) -> dict[str, Any]:
    return {
        "id": "run_1",
        "object": "thread.run",
        "created_at": 1720104398,
        "assistant_id": "asst_1",
        "thread_id": "thread_1",
        "status": status,
        "started_at": None,
        "expires_at": 1720104998,
        "cancelled_at": None,
        "failed_at": None,
        "completed_at": None,
        "required_action": None,
        "last_error": None,
        "model": "gpt-4o",
        "instructions": "Help with mathematics.",
        "tools": [],
        "tool_resources": {},
        "metadata": {},
        "temperature": 1.0,
        "top_p": 1.0,
        "max_completion_tokens": None,
        "max_prompt_tokens": None,
        "truncation_strategy": {"type": "auto", "last_messages": None},
        "incomplete_details": None,
        "usage": None,
        "response_format": "auto",
        "tool_choice": "auto",
        "parallel_tool_calls": True,
        **fields,
    }


def listed(*items: dict[str, Any], more: bool = False) -> dict[str, Any]:
    ids = [item["id"] for item in items] or [None]
    return {"object": "list", "data": list(items), "first_id": ids[0], "last_id": ids[-1], "has_more": more}


FILE: dict[str, Any] = {
    "id": "file-1",
    "object": "file",
    "bytes": 5,
    "created_at": 1720104398,
    "filename": "notes.txt",
    "purpose": "assistants",
    "status": "processed",
}
UPLOAD: dict[str, Any] = {
    "id": "upload_1",
    "object": "upload",
    "created_at": 1720104398,
    "filename": "notes.txt",
    "bytes": 5,
    "purpose": "assistants",
    "status": "pending",
    "expires_at": 1720107998,
    "file": None,
}
PART: dict[str, Any] = {"id": "part_1", "object": "upload.part", "created_at": 1720104398, "upload_id": "upload_1"}
COUNTS: dict[str, Any] = {"in_progress": 0, "completed": 1, "failed": 0, "cancelled": 0, "total": 1}
VECTOR_STORE: dict[str, Any] = {
    "id": "vs_1",
    "object": "vector_store",
    "created_at": 1720104398,
    "name": "Notes",
    "usage_bytes": 123,
    "file_counts": COUNTS,
    "status": "completed",
    "expires_after": {"anchor": "last_active_at", "days": 7},
    "expires_at": 1720709198,
    "last_active_at": 1720104398,
    "metadata": {},
}
INDEXED: dict[str, Any] = {
    "id": "file-1",
    "object": "vector_store.file",
    "usage_bytes": 123,
    "created_at": 1720104398,
    "vector_store_id": "vs_1",
    "status": "completed",
    "last_error": None,
    "chunking_strategy": {
        "type": "static",
        "static": {"max_chunk_size_tokens": 800, "chunk_overlap_tokens": 400},
    },
    "attributes": {"year": 2026, "draft": False, "author": "Ada"},
}
BATCH: dict[str, Any] = {
    "id": "vsfb_1",
    "object": "vector_store.files_batch",
    "created_at": 1720104398,
    "vector_store_id": "vs_1",
    "status": "in_progress",
    "file_counts": COUNTS,
}
PIECES: list[dict[str, Any]] = [{"type": "text", "text": "All of it."}]
CONTENT: dict[str, Any] = {
    "object": "vector_store.file_content.page",
    "data": PIECES,
    "has_more": False,
    "next_page": None,
}
FOUND: dict[str, Any] = {
    "object": "vector_store.search_results.page",
    "search_query": ["notes"],
    "data": [{"file_id": "file-1", "filename": "n", "score": 0.9, "attributes": {}, "content": PIECES}],
    "has_more": False,
    "next_page": None,
}
MODEL: dict[str, Any] = {"id": "m", "object": "model", "created": 1, "owned_by": "o"}


def deleted(kind: str) -> dict[str, Any]:
    return {"id": "x", "object": kind, "deleted": True}
