"""Who may call, how often and with how much; what one project has is nothing to another."""

import logging
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai import AsyncOpenAI

from assistants.contract import BETA, BETA_HEADER
from assistants.service import guard as guards
from assistants.service.app import Service
from assistants.service.guard import Guard, Rules
from assistants.service.keys import Keys
from assistants.service.rates import Rates
from storage import keys
from storage.database import Database
from tests.service.conftest import Serve

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

HEADERS = {BETA_HEADER: BETA}


@asynccontextmanager
async def guarded(
    service: Service, database: Database, serve: Serve, *settings: str, **rules: Any
) -> AsyncIterator[httpx.AsyncClient]:
    app = Guard(service.app, Keys(database, settings), Rules(**rules))
    async with (
        serve(app) as address,
        httpx.AsyncClient(base_url=f"{address}/v1", headers=HEADERS, trust_env=False) as http,
    ):
        yield http


async def made(database: Database, project: str = "default", scope: keys.Scope = "all", rate: int | None = None) -> Any:
    """A key of the store: its secret and its id."""
    secret, row = keys.new("Ada", project, scope, rate, 1)
    await database.write(keys.add, row)
    return secret, row["id"]


def bearer(secret: str) -> dict[str, str]:
    return {"authorization": f"Bearer {secret}"}


async def test_a_key_opens_the_api_until_it_is_revoked(
    service: Service, database: Database, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assistants.service.keys.TRUSTED_SECONDS", 0)
    secret, id_ = await made(database)
    async with guarded(service, database, serve, "sk-setting") as http:
        for good in (secret, "sk-setting"):
            assert (await http.get("/models", headers=bearer(good))).status_code == 200
        refused = await http.get("/models", headers=bearer("sk-wrong"))
        assert (refused.status_code, refused.json()["error"]["code"]) == (401, "invalid_api_key")
        await database.write(keys.revoke, id_, 2)
        assert (await http.get("/models", headers=bearer(secret))).status_code == 401
    assert secret not in str(await database.read("select * from api_keys"))


async def test_a_request_without_a_key_is_told_so_and_where_the_key_goes(
    service: Service, database: Database, serve: Serve
) -> None:
    """“Incorrect API key” would send people to look at a key that they never sent."""
    async with guarded(service, database, serve, "sk-setting") as http:
        for without in ({}, {"authorization": "sk-setting"}, {"authorization": "Bearer"}):
            refused = await http.get("/models", headers=without)
            assert refused.status_code == 401
            assert refused.json()["error"]["message"].startswith("You didn't provide an API key.")
            assert "Authorization: Bearer" in refused.json()["error"]["message"]
            assert refused.json()["error"]["code"] is None


async def test_without_keys_the_api_is_closed_or_open_to_this_machine_alone(
    service: Service, database: Database, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assistants.service.keys.TRUSTED_SECONDS", 0)
    async with guarded(service, database, serve) as http:
        closed = await http.get("/models", headers=bearer("any"))
        assert closed.status_code == 401
        assert "THREADLINE_API_KEYS" in closed.json()["error"]["message"]
    async with guarded(service, database, serve, open=True) as http:
        assert (await http.get("/models", headers=bearer("any"))).status_code == 200
        for elsewhere in ({"origin": "http://evil.example"}, {"host": "evil.example"}):
            assert (await http.get("/models", headers=elsewhere)).status_code == 403
        await made(database)
        assert (await http.get("/models", headers=bearer("any"))).status_code == 401


async def test_projects_cannot_see_each_others_objects(service: Service, database: Database, serve: Serve) -> None:
    ours, theirs = (await made(database, "ours"))[0], (await made(database, "theirs"))[0]
    async with guarded(service, database, serve) as http:
        legacy: Any = http
        mine, other = (
            AsyncOpenAI(base_url=str(http.base_url), api_key=key, http_client=legacy) for key in (ours, theirs)
        )
        assistant = await mine.beta.assistants.create(model="default")
        file = await mine.files.create(file=("a.txt", b"apples"), purpose="assistants")
        store = await mine.vector_stores.create(file_ids=[file.id])
        upload = await mine.uploads.create(filename="a", bytes=1, mime_type="text/plain", purpose="assistants")
        thread = await mine.beta.threads.create(messages=[{"role": "user", "content": "hi"}])
        run = await mine.beta.threads.runs.create_and_poll(
            thread_id=thread.id, assistant_id=assistant.id, poll_interval_ms=10
        )
        (step,) = (await mine.beta.threads.runs.steps.list(run.id, thread_id=thread.id)).data
        message = (await mine.beta.threads.messages.list(thread.id)).data[0]
        paths = [
            f"/assistants/{assistant.id}",
            f"/files/{file.id}",
            f"/files/{file.id}/content",
            f"/vector_stores/{store.id}",
            f"/vector_stores/{store.id}/files",
            f"/vector_stores/{store.id}/files/{file.id}",
            f"/threads/{thread.id}",
            f"/threads/{thread.id}/messages",
            f"/threads/{thread.id}/messages/{message.id}",
            f"/threads/{thread.id}/runs",
            f"/threads/{thread.id}/runs/{run.id}",
            f"/threads/{thread.id}/runs/{run.id}/steps/{step.id}",
        ]
        for path in paths:
            assert (await http.get(path, headers=bearer(ours))).status_code == 200, path
            assert (await http.get(path, headers=bearer(theirs))).status_code == 404, path
        writes: list[tuple[str, str, Any]] = [
            ("POST", f"/assistants/{assistant.id}", {"name": "x"}),
            ("DELETE", f"/assistants/{assistant.id}", None),
            ("POST", f"/threads/{thread.id}", {}),
            ("POST", f"/threads/{thread.id}/messages", {"role": "user", "content": "x"}),
            ("POST", f"/threads/{thread.id}/messages/{message.id}", {}),
            ("DELETE", f"/threads/{thread.id}/messages/{message.id}", None),
            ("POST", f"/threads/{thread.id}/runs", {"assistant_id": assistant.id}),
            ("POST", f"/threads/{thread.id}/runs/{run.id}/cancel", None),
            ("POST", f"/threads/{thread.id}/runs/{run.id}/submit_tool_outputs", {"tool_outputs": []}),
            ("DELETE", f"/threads/{thread.id}", None),
            ("POST", f"/vector_stores/{store.id}/search", {"query": "apples"}),
            ("DELETE", f"/vector_stores/{store.id}/files/{file.id}", None),
            ("POST", f"/uploads/{upload.id}/cancel", None),
            ("DELETE", f"/files/{file.id}", None),
        ]
        for method, path, body in writes:
            assert (await http.request(method, path, json=body, headers=bearer(theirs))).status_code == 404, path
        for listed in (other.beta.assistants.list(), other.files.list(), other.vector_stores.list()):
            assert [thing async for thing in listed] == []
        with pytest.raises(openai.NotFoundError):
            await other.vector_stores.create(file_ids=[file.id])


async def test_a_key_that_only_reads_changes_nothing(service: Service, database: Database, serve: Serve) -> None:
    secret, _ = await made(database, scope="read")
    async with guarded(service, database, serve) as http:
        assert (await http.get("/assistants", headers=bearer(secret))).status_code == 200
        refused = await http.post("/assistants", json={"model": "default"}, headers=bearer(secret))
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "insufficient_permissions")


async def test_a_key_that_asks_too_often_is_told_when_to_come_again(
    service: Service, database: Database, serve: Serve
) -> None:
    slow, other = (await made(database, rate=2))[0], (await made(database))[0]
    async with guarded(service, database, serve, requests_a_minute=100) as http:
        answers = [await http.get("/models", headers=bearer(slow)) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert [answer.headers["x-ratelimit-remaining-requests"] for answer in answers] == ["1", "0", "0"]
        assert answers[0].headers["x-ratelimit-limit-requests"] == "2"
        assert 0 < int(answers[2].headers["retry-after-ms"]) <= 30_000
        assert answers[2].json()["error"]["code"] == "rate_limit_exceeded"
        assert (await http.get("/models", headers=bearer(other))).status_code == 200


@given(
    st.lists(st.tuples(st.floats(0, 30), st.booleans()), max_size=200).map(
        lambda steps: [(sum(s for s, _ in steps[: n + 1]), b) for n, (_, b) in enumerate(steps)]
    ),
    st.integers(1, 100),
)
def test_no_minute_holds_more_than_twice_what_a_key_may_ask(asked: list[tuple[float, bool]], limit: int) -> None:
    rates = Rates()
    went = [at for at, _ in asked if rates.take("key", limit, now=at).allowed]
    for start in went:
        assert sum(start <= at < start + 60 for at in went) <= 2 * limit


async def test_every_answer_has_a_request_id_and_the_log_has_no_contents(
    service: Service, database: Database, serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    secret, id_ = await made(database)
    async with guarded(service, database, serve) as http:
        with caplog.at_level(logging.INFO, logger="assistants.access"):
            answer = await http.post("/threads", json={"metadata": {"a": "private"}}, headers=bearer(secret))
            missing = await http.get("/nowhere?note=private", headers=bearer(secret))
        ids = [answer.headers["x-request-id"], missing.headers["x-request-id"]]
        assert all(re.fullmatch(r"req_[0-9a-f]{32}", said) for said in ids)
        assert ids[0] != ids[1]
        assert answer.headers["openai-processing-ms"].isdecimal()
        assert re.fullmatch(rf"POST /v1/threads 200 \d+ms {id_} {ids[0]}", caplog.messages[0])
        assert "private" not in caplog.text
        assert secret not in caplog.text


async def test_a_body_that_is_too_large_is_refused_however_it_comes(
    service: Service, database: Database, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guards, "LARGEST_BODY", 1_000)

    async def unannounced() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b" " * 100

    async def at_once() -> AsyncIterator[bytes]:
        yield b" " * 2_000

    async with guarded(service, database, serve, open=True) as http:
        for content in (b" " * 1_001, unannounced(), at_once()):
            refused = await http.post("/threads", content=content, headers={"content-type": "application/json"})
            assert (refused.status_code, refused.json()["error"]["code"]) == (413, "request_too_large")


async def test_the_document_of_the_api_is_open_and_names_every_operation(
    service: Service, database: Database, serve: Serve
) -> None:
    async with guarded(service, database, serve, "sk-1") as http:
        document = (await http.get("/openapi.json")).json()
    assert "post" in document["paths"]["/v1/threads/{thread_id}/runs"]
    assert "CreateRun" in document["components"]["schemas"]
    asked = {p["name"]: p["required"] for p in document["paths"]["/v1/threads"]["post"]["parameters"]}
    assert asked == {"OpenAI-Beta": True, "Idempotency-Key": False}
    assert document["paths"]["/v1/threads/{thread_id}/runs"]["post"]["operationId"] == "createRun"
    for operations in document["paths"].values():
        for operation in operations.values():
            for kind, told in operation["responses"]["200"]["content"].items():
                assert told["schema"], f"{operation['operationId']} says nothing of its {kind}"
    for form in ("/v1/files", "/v1/uploads/{upload_id}/parts"):
        assert list(document["paths"][form]["post"]["requestBody"]["content"]) == ["multipart/form-data"]
    assert sum(len(operations) for operations in document["paths"].values()) == 51
