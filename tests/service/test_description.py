"""The whole service against the API's own description: whatever is asked, no answer breaks it and none is a 5xx."""

import asyncio
import copy
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
import uvicorn
import yaml
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from assistants.contract import BETA, BETA_HEADER
from assistants.service.app import create_service
from assistants.service.asgi_transport import LocalTransport
from assistants.service.chat import ChatCompletions
from assistants.service.endpoints import Endpoint
from assistants.service.models import Models
from assistants.service.scripted import ScriptedModel
from storage.sqlite import SQLiteDatabase
from tests.conftest import Facts

pytestmark = pytest.mark.proof

EXAMPLES = 25
CHECKS = [not_a_server_error, response_schema_conformance, content_type_conformance]
HEADERS = {BETA_HEADER: BETA}

STREAMED = (
    "/threads/runs",
    "/threads/{thread_id}/runs",
    "/threads/{thread_id}/runs/{run_id}/submit_tool_outputs",
)

# Where the description is stricter than the API that it describes ever was: these may be null.
NULLABLE: tuple[tuple[str, tuple[str, ...]], ...] = (
    # An empty list has no first and no last one.
    ("ListAssistantsResponse", ("first_id", "last_id")),
    ("ListMessagesResponse", ("first_id", "last_id")),
    ("ListRunsResponse", ("first_id", "last_id")),
    ("ListRunStepsResponse", ("first_id", "last_id")),
    ("ListFilesResponse", ("first_id", "last_id")),
    ("ListVectorStoresResponse", ("first_id", "last_id")),
    ("ListVectorStoreFilesResponse", ("first_id", "last_id")),
    # A run of an assistant without instructions has none, and a vector store may have no name and no end.
    ("RunObject", ("instructions",)),
    ("VectorStoreObject", ("name", "expires_after")),
)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The service on a loop and a thread of its own, as schemathesis asks from this one."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        ready, leave = threading.Event(), threading.Event()
        file = tmp_path_factory.mktemp("described") / "service.db"
        thread = threading.Thread(target=lambda: asyncio.run(_serve(file, listening, ready, leave)))
        thread.start()
        assert ready.wait(30)
        yield address
        leave.set()
        thread.join()


async def _serve(file: Path, listening: socket.socket, ready: threading.Event, leave: threading.Event) -> None:
    database, models, script = SQLiteDatabase.open(file), Models(), ScriptedModel()
    models.connect(ChatCompletions(Endpoint("http://model.test/v1", "", "m"), transport=LocalTransport(script.app)))
    service = create_service(database, models)
    await service.start()
    server = uvicorn.Server(uvicorn.Config(service.app, lifespan="off", log_level="critical", access_log=False))
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    ready.set()
    await asyncio.to_thread(leave.wait)
    server.should_exit = server.force_exit = True
    await serving
    await service.stop()
    await database.close()


@pytest.fixture(scope="module")
def there(served: str) -> dict[str, str]:
    """Ids of things that are there, by the parameter that names them."""
    with httpx.Client(base_url=f"{served}/v1", headers=HEADERS, trust_env=False) as http:

        def made(path: str, **body: Any) -> str:
            return str(http.post(path, json=body).json()["id"])

        form = {"files": {"file": ("a.txt", b"apples")}, "data": {"purpose": "assistants"}}
        assistant, file = made("/assistants", model="default"), str(http.post("/files", **form).json()["id"])  # type: ignore[arg-type]
        thread = made("/threads", messages=[{"role": "user", "content": "hello"}])
        run = made(f"/threads/{thread}/runs", assistant_id=assistant)
        store = made("/vector_stores", file_ids=[file])
        while not (steps := http.get(f"/threads/{thread}/runs/{run}/steps").json()["data"]):
            pass
        return {
            "assistant_id": assistant,
            "file_id": file,
            "thread_id": thread,
            "run_id": run,
            "step_id": str(steps[0]["id"]),
            "message_id": str(http.get(f"/threads/{thread}/messages").json()["data"][0]["id"]),
            "vector_store_id": store,
            "batch_id": made(f"/vector_stores/{store}/file_batches", file_ids=[file]),
            "upload_id": made("/uploads", filename="a", bytes=1, purpose="assistants", mime_type="text/plain"),
            "model": "default",
        }


@pytest.fixture(scope="module")
def described(shared_facts: Facts, there: dict[str, str]) -> Any:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    document = yaml.load((shared_facts / "openapi.yaml").read_text(), loader)  # noqa: S506 - a safe loader
    schema: Any = schemathesis.openapi.from_dict(_patched(document))

    def map_path_parameters(_: Any, path_parameters: dict[str, Any] | None) -> dict[str, Any] | None:
        """Ask for things that are there; ids that nobody has are a test of their own."""
        return {name: there.get(name, value) for name, value in (path_parameters or {}).items()}

    def map_body(_: Any, body: Any) -> Any:
        if isinstance(body, dict):
            return {name: there.get(name, value) if name.endswith("_id") else value for name, value in body.items()}
        return body

    schema.hook(map_path_parameters)
    schema.hook(map_body)
    return schema


def _patched(document: dict[str, Any]) -> dict[str, Any]:
    """The description with what may be null."""
    patched = copy.deepcopy(document)
    for name, fields in NULLABLE:
        properties = patched["components"]["schemas"][name]["properties"]
        for field in fields:
            if field in properties:
                properties[field] = {"anyOf": [properties[field], {"type": "null"}]}
    # What is downloaded is said to be JSON, with text as its example.
    content = patched["paths"]["/files/{file_id}/content"]["get"]["responses"]["200"]["content"]
    content["application/octet-stream"] = {"schema": {"type": "string", "format": "binary"}}
    # Runs are streamed where that is asked for; each event is looked at.
    for path in STREAMED:
        content = patched["paths"][path]["post"]["responses"]["200"]["content"]
        content["text/event-stream"] = {"schema": {"type": "object", "required": ["event", "data"]}}
    # A purpose that is taken in a request and forgotten in the answer.
    patched["components"]["schemas"]["OpenAIFile"]["properties"]["purpose"]["enum"].append("evals")
    return patched


def test_no_answer_breaks_the_description(described: Any, served: str) -> None:
    operations = [result.ok() for result in described.get_all_operations()]
    assert len(operations) == 51
    operations.sort(key=lambda operation: operation.method.upper() == "DELETE")  # what every case needs goes last
    failures = [failure for operation in operations if (failure := _asked(operation, served))]
    assert not failures, "\n\n".join(failures)


def _asked(operation: Any, served: str) -> str | None:
    """What an operation answered wrong to anything it was asked, if it did."""

    @settings(max_examples=EXAMPLES, database=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy())
    def ask(case: Any) -> None:
        case.call_and_validate(base_url=f"{served}/v1", headers=HEADERS, checks=CHECKS)

    try:
        ask()
    except (Exception, BaseExceptionGroup) as error:
        causes = error.exceptions if isinstance(error, BaseExceptionGroup) else (error,)
        return f"{operation.label}: " + "; ".join(str(cause)[:1500] for cause in causes)
    return None
