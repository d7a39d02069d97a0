"""People are told of documents that the server could not read, also by the process that takes a turn over."""

from typing import Any

from assistants.connector import AssistantsClient
from bot.unreadable import complaints, searched
from tests.bot.test_sources import file
from tests.connector.conftest import client, server
from tests.connector.objects import listed
from tests.connector.server import Server, js, refusal

__all__ = ["client", "server"]

TAG = {"turn": "t1"}
SEARCH = {"type": "file_search"}
CODE = {"type": "code_interpreter"}


def thread(*stores: str) -> dict[str, Any]:
    resources = {"file_search": {"vector_store_ids": list(stores)}}
    return {"id": "thread_1", "object": "thread", "created_at": 1, "metadata": {}, "tool_resources": resources}


def message(id_: str, tag: str, *attachments: tuple[str, dict[str, str]]) -> dict[str, Any]:
    files = [{"file_id": file, "tools": [tool]} for file, tool in attachments]
    more = {"object": "thread.message", "created_at": 1, "thread_id": "thread_1", "role": "user", "content": []}
    return {"id": id_, "metadata": {"turn": tag}, "attachments": files, **more}


def entry(id_: str, status: str, error: str = "") -> dict[str, Any]:
    said = {"code": "invalid_file", "message": error} if error else None
    more = {"object": "vector_store.file", "created_at": 1, "vector_store_id": "vs_1", "usage_bytes": 0}
    return {"id": id_, "status": status, "last_error": said, **more}


async def test_after_a_restart_a_turns_documents_are_found_by_its_tag(server: Server, client: AssistantsClient) -> None:
    sent = message("msg_2", "t1", ("file-1", SEARCH), ("file-2", CODE))
    server.will(
        js(listed(sent, message("msg_1", "t0", ("file-0", SEARCH)))),
        js(thread("vs_1")),
        js(entry("file-1", "failed", "The PDF is damaged.")),
        js(file("file-1", "a\n@everyone.pdf")),
    )
    (said,) = await complaints(client, "thread_1", None, tag=TAG)
    assert said.endswith("could not be read. The PDF is damaged.")
    assert "@everyone" not in said
    assert "\n" not in said


async def test_readable_files_and_unknown_states_cause_no_complaint(server: Server, client: AssistantsClient) -> None:
    server.will(js(thread("vs_1")), js(entry("file-1", "completed")))
    assert await complaints(client, "thread_1", ["file-1"], tag=TAG) == []
    server.will(refusal(404, "No such thread."))
    assert await complaints(client, "thread_1", ["file-1"], tag=TAG) == []
    server.will(js(thread()))
    assert await complaints(client, "thread_1", ["file-1"], tag=TAG) == []


async def test_a_turn_without_documents_makes_no_requests(server: Server, client: AssistantsClient) -> None:
    attachments = [{"file_id": "file-1", "tools": [CODE]}]
    assert await complaints(client, "thread_1", searched(attachments), tag=TAG) == []
    assert server.asked == []
