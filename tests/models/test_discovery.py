"""Model servers on loopback are found by the list they give, and by nothing else."""

import asyncio
import json

import pytest

from assistants.service.discovery import chat_models
from assistants.service.endpoints import Found, discover
from tests.models.servers import MODELS, answer, closed_port, models, refusal, serving

PATIENT = 30.0


async def test_a_server_with_chat_models_is_found() -> None:
    async with serving({MODELS: models("llama3.2:latest", "nomic-embed-text:latest")}) as server:
        found = await discover(ports={"Ollama": server.port}, seconds=PATIENT)
        assert found == [Found("Ollama", f"{server.address}/v1", ("llama3.2:latest",))]


async def test_no_proxy_comes_between(monkeypatch: pytest.MonkeyPatch) -> None:
    port = await closed_port()
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{port}")
    async with serving({MODELS: models("llama")}) as server:
        assert await discover(ports={"Ollama": server.port}, seconds=PATIENT)


@pytest.mark.parametrize(
    "raw",
    [
        answer("<h1>Hi</h1>", kind="text/html"),
        answer("{}"),
        answer("[]"),
        answer('{"object": "list", "data": {}}'),
        answer('{"object": "list", "data": [1]}'),
        answer('{"object": "list", "data": [{"id": 1}]}'),
        answer(json.dumps({"data": [{"id": "llama"}]})),
        answer("[" * 100_000),
        answer("\xff" * 20, kind="application/json"),
        answer('{"object": "list", "data": [{"id": "llama"}' + " " * (1 << 21) + "]}"),
        models(),
        models("nomic-embed-text", "bge-m3"),
        refusal("401 Unauthorized", "key?"),
        b"SSH-2.0-OpenSSH_9.9\r\n",
    ],
)
async def test_whatever_gives_no_list_of_chat_models_is_left_out(raw: bytes) -> None:
    async with serving({MODELS: raw}) as server:
        assert await discover(ports={"?": server.port}, seconds=PATIENT) == []


async def test_silence_is_not_waited_for() -> None:
    async with serving({MODELS: None}) as silent:
        assert await discover(ports={"silent": silent.port}, seconds=0.05) == []


async def test_silence_and_closed_ports_do_not_keep_the_others_waiting() -> None:
    closed = await closed_port()
    async with serving({MODELS: models("llama")}) as server:
        async with serving({MODELS: None}) as silent:
            ports = {"silent": silent.port, "closed": closed, "LM Studio": server.port}
            finding = asyncio.create_task(discover(ports=ports, seconds=PATIENT))
            await silent.heard.wait()
            await server.heard.wait()
        assert [found.name for found in await finding] == ["LM Studio"]


@pytest.mark.parametrize(
    "name",
    [
        "text-embedding-3-small",
        "mxbai-embed-large",
        "BAAI/bge-m3",
        "intfloat/e5-large",
        "all-minilm:22m",
        "jina-reranker",
    ],
)
def test_an_embedding_model_does_not_chat(name: str) -> None:
    assert chat_models({"object": "list", "data": [{"id": name}]}) == []


@pytest.mark.parametrize("name", ["llama3.2", "gemma-3n-e4b", "phi-3.5", "qwen2.5:0.5b", "DeepSeek-R1", "badge5"])
def test_a_chat_model_is_not_taken_for_one_that_embeds(name: str) -> None:
    assert chat_models({"object": "list", "data": [{"id": name}]}) == [name]
