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
