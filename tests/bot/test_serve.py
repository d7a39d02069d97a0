"""`threadline serve` and `threadline keys` as people run them: a stock SDK, keys made beside it, an end in order."""

import re
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from openai import OpenAI

from assistants.service.scripted import ScriptedReply
from tests.bot.conftest import Start, address
from tests.bot.test_program import refusal
from tests.scripted import Model, connecting

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

QUESTION: Any = {"messages": [{"role": "user", "content": "hello"}]}


Connect = Callable[..., OpenAI]


@pytest.fixture
def client() -> Iterator[Connect]:
    """A stock SDK at an address, with a key if one is needed."""
    with ExitStack() as stack:

        def connect(at: str, key: str = "any") -> OpenAI:
            legacy: Any = stack.enter_context(httpx.Client(trust_env=False))
            return OpenAI(base_url=f"{at}/v1", api_key=key, max_retries=0, http_client=legacy)

        yield connect


def list_for_ever(api: OpenAI) -> None:
    while True:
        api.models.list()


def said(start: Start, *arguments: str) -> str:
    """What a command that ends by itself says."""
    process = start(*arguments)
    assert process.wait() == 0, process.output
    return process.output


def test_an_exposed_server_does_not_start_without_keys(start: Start) -> None:
    sentence = refusal(start("serve", HOST="0.0.0.0"))  # noqa: S104
    assert "threadline keys create" in sentence
    assert "THREADLINE_API_KEYS" in sentence


def test_a_stock_sdk_needs_no_key_on_loopback(start: Start, client: Connect, model_address: str) -> None:
    api = client(address(start("serve", **connecting(model_address))))
    assistant = api.beta.assistants.create(model="default")
    run = api.beta.threads.create_and_run_poll(assistant_id=assistant.id, thread=QUESTION, poll_interval_ms=10)
    assert run.status == "completed"


def test_keys_can_be_created_and_revoked_while_the_server_runs(start: Start, client: Connect) -> None:
    program = start("serve", THREADLINE_API_KEYS="sk-first")
    at = address(program)
    assert "There are no keys yet" in said(start, "keys", "list")
    made = said(start, "keys", "create", "--owner", "Ada", "--project", "lab", "--rate", "90000")
    secret = made.splitlines()[0]
    id_ = re.search(r"key_\w+", made)
    assert id_ is not None
    assert [m.id for m in client(at, secret).models.list()] == [m.id for m in client(at, "sk-first").models.list()]
    client(at, "sk-first").beta.assistants.create(model="default")
    assert client(at, secret).beta.assistants.list().data == []
    listed = said(start, "keys", "list")
    assert "Ada, project lab: read and write, 90000 requests a minute" in listed
    assert secret not in listed + program.output
    assert "is revoked" in said(start, "keys", "revoke", id_[0])
    # A key is trusted for a moment after it was looked up.
    with pytest.raises(openai.AuthenticationError):
        list_for_ever(client(at, secret))
    assert "There is no active key" in refusal(start("keys", "revoke", id_[0]))


async def test_configured_models_are_available_by_name(
    start: Start, client: Connect, model: Model, model_address: str, tmp_path: Path
) -> None:
    (tmp_path / "threadline.toml").write_text(
        f'[models.quick]\nbase_url = "{model_address}/v1"\napi_key_env = "QUICK_KEY"\nmodel = "quick-1"\n'
        f'[models."vendor/slow"]\nbase_url = "{model_address}/v1"\ncontext = 8000\n'
    )
    assert "QUICK_KEY, which is not set" in refusal(start("serve"))
    program = start("serve", QUICK_KEY="sk-quick-secret")
    api = client(address(program))
    assert {"default", "quick", "vendor/slow"} <= {m.id for m in api.models.list()}
    assert api.models.retrieve("vendor/slow").id == "vendor/slow"
    for name in ("quick", "vendor/slow", "default"):
        assistant = api.beta.assistants.create(model=name)
        run = api.beta.threads.create_and_run_poll(assistant_id=assistant.id, thread=QUESTION, poll_interval_ms=10)
        assert run.status == "completed"
    assert [asked["model"] for asked in await model.requests()] == ["quick-1", "vendor/slow", "quick-1"]
    assert "sk-quick-secret" not in program.output


def test_a_malformed_model_is_refused_with_its_line(start: Start, tmp_path: Path) -> None:
    (tmp_path / "threadline.toml").write_text('[models.quick]\nbase_url = "ftp://here"\n')
    assert "line 2: models.quick.base_url" in refusal(start("serve"))


async def test_shutdown_waits_for_a_run_in_progress(start: Start, model: Model, model_address: str) -> None:
    await model.play(ScriptedReply(text="one two three", hold_after=1))
    program = start("serve", LEAVING_GRACE="30", **connecting(model_address))
    async with httpx.AsyncClient(base_url=f"{address(program)}/v1", headers={"OpenAI-Beta": "assistants=v2"}) as http:
        assistant = (await http.post("/assistants", json={"model": "default"})).json()["id"]
        body = {"assistant_id": assistant, "thread": QUESTION, "stream": True}
        async with http.stream("POST", "/threads/runs", json=body) as stream:
            lines = stream.aiter_lines()
            async for line in lines:
                if line == "event: thread.message.delta":
                    break
            program.signal(signal.SIGTERM)
            while (refused := await http.post("/threads/runs", json=body)).status_code != 503:
                assert refused.status_code == 200
            assert refused.json()["error"]["code"] == "server_draining"
            assert refused.headers["x-should-retry"] == "true"
            await model.release()
            rest = [line async for line in lines]
    assert "event: thread.run.completed" in rest
    assert program.wait() == 0
