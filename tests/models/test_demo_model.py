"""The real demo model answers from a process of its own, which never outlives whoever needs it."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from assistants.service.chat import ChatCompletions
from assistants.service.demo_model import MODEL_NAME, SmallTalk
from assistants.service.endpoints import Endpoint, EndpointError, try_endpoint
from assistants.service.pieces import End, TextPiece
from assistants.service.weights import Weights
from tests.models.fixtures import CACHE
from tests.models.wheels import OWN_SETTINGS, source
from tests.processes import Process

QUESTION = [{"role": "user", "content": "Say hello."}]
PATIENCE = 100.0


@pytest.fixture
async def small_talk(smollm2_weights: Path) -> AsyncIterator[SmallTalk]:
    small_talk = SmallTalk(Weights(CACHE))
    yield small_talk
    await small_talk.close()


async def _complete(endpoint: Endpoint, **body: object) -> httpx.Response:
    headers = {"Authorization": f"Bearer {endpoint.api_key}"}
    async with httpx.AsyncClient(headers=headers, timeout=PATIENCE, trust_env=False) as client:
        return await client.post(f"{endpoint.base_url}/chat/completions", json={"max_tokens": 4, **body})


async def _gone(endpoint: Endpoint, *, after: asyncio.Event | None = None) -> None:
    """Waits until nobody holds the other end of a connection to it."""
    port = urlsplit(endpoint.base_url).port
    with contextlib.suppress(ConnectionError):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        if after is not None:
            after.set()
        await reader.read()
        writer.close()


def _child() -> int:
    """The one process of the model that this process has."""
    mine = f"PPid:\t{os.getpid()}\n"
    [child] = [
        int(status.parent.name)
        for status in Path("/proc").glob("[0-9]*/status")
        if mine in _text(status) and "demo_server" in _text(status.with_name("cmdline"))
    ]
    return child


def _text(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:  # a process that ended meanwhile
        return ""


async def test_it_streams_an_answer_and_ends(small_talk: SmallTalk) -> None:
    chat = ChatCompletions(small_talk.endpoint)
    pieces = [piece async for piece in chat.stream({"messages": QUESTION})]
    await chat.aclose()
    *words, end = pieces
    assert len([word for word in words if isinstance(word, TextPiece) and word.text]) >= 3
    assert isinstance(end, End)
    assert end.finish in ("stop", "length")


async def test_it_is_an_endpoint_like_any_other(small_talk: SmallTalk) -> None:
    endpoint = await small_talk.endpoint()
    assert await try_endpoint(Endpoint(endpoint.base_url, endpoint.api_key, ""), seconds=PATIENCE) == endpoint
    assert endpoint.model == MODEL_NAME


@pytest.mark.parametrize(
    "messages",
    [
        [{"role": "user", "content": f"{number}. What is a boat, and what is a ship?"} for number in range(200)],
        [{"role": "user", "content": "What is a boat? " * 2000}],
        [{"role": "system", "content": "Be kind. " * 1000}, {"role": "user", "content": "Größe: 東京 🛶 " * 1000}],
    ],
    ids=["many messages", "a long message", "long instructions"],
)
async def test_a_prompt_over_512_tokens_is_cut(small_talk: SmallTalk, messages: list[dict[str, str]]) -> None:
    answer = await _complete(await small_talk.endpoint(), messages=messages)
    assert answer.status_code == 200, answer.text
    assert 450 <= answer.json()["usage"]["prompt_tokens"] <= 512


async def test_no_answer_is_longer_than_256_tokens(small_talk: SmallTalk) -> None:
    poem = [{"role": "user", "content": "Write a very long poem about every boat there is."}]
    answer = await _complete(await small_talk.endpoint(), messages=poem, max_tokens=100_000, temperature=2)
    assert answer.json()["usage"]["completion_tokens"] <= 256


@pytest.mark.parametrize("body", [{}, {"messages": "hi"}, {"messages": [1]}, {"messages": []}])
async def test_a_request_without_words_is_refused(small_talk: SmallTalk, body: dict[str, object]) -> None:
    answer = await _complete(await small_talk.endpoint(), **body)
    assert answer.status_code == 400


async def test_without_the_key_nobody_is_let_in(small_talk: SmallTalk) -> None:
    endpoint = await small_talk.endpoint()
    for key in ("wrong", endpoint.api_key[:-1]):
        answer = await _complete(Endpoint(endpoint.base_url, key, MODEL_NAME), messages=QUESTION)
        assert answer.status_code == 401


async def test_it_listens_on_one_loopback_address_alone(small_talk: SmallTalk) -> None:
    address = urlsplit((await small_talk.endpoint()).base_url)
    assert address.hostname == "127.0.0.1"
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.2", address.port)


async def test_all_who_ask_get_the_same_process(small_talk: SmallTalk) -> None:
    hurried = asyncio.create_task(small_talk.endpoint())
    asked = [asyncio.create_task(small_talk.endpoint()) for _ in range(3)]
    await asyncio.sleep(0)
    hurried.cancel()
    assert len({endpoint.api_key for endpoint in await asyncio.gather(*asked)}) == 1


async def test_a_process_that_died_is_started_again(small_talk: SmallTalk) -> None:
    first = await small_talk.endpoint()
    leaver = asyncio.create_task(small_talk.endpoint())
    await asyncio.sleep(0)
    leaver.cancel()  # its answer is left unread, and must not be taken for a sign of life later
    assert await small_talk.endpoint() == first
    os.kill(_child(), signal.SIGKILL)
    await _gone(first)
    second = await small_talk.endpoint()
    assert second.api_key != first.api_key
    assert (await _complete(second, messages=QUESTION)).status_code == 200


async def test_it_ends_when_idle_and_is_started_again(smollm2_weights: Path) -> None:
    small_talk = SmallTalk(Weights(CACHE), idle_seconds=0)
    first = await small_talk.endpoint()
    await _gone(first)
    second = await small_talk.endpoint()
    assert second.api_key != first.api_key
    await small_talk.close()


async def test_closing_ends_it(small_talk: SmallTalk) -> None:
    endpoint = await small_talk.endpoint()
    await small_talk.close()
    with pytest.raises(httpx.ConnectError):
        await _complete(endpoint, messages=QUESTION)


PARENT = """
import asyncio, json, pathlib, sys
from assistants.service.demo_model import SmallTalk
from assistants.service.weights import Weights

async def main():
    endpoint = await SmallTalk(Weights(pathlib.Path(sys.argv[1]))).endpoint()
    print(json.dumps({"base_url": endpoint.base_url}), flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_it_dies_with_its_parent(smollm2_weights: Path) -> None:
    parent = Process(sys.executable, "-c", PARENT, str(CACHE))
    told = json.loads(await asyncio.to_thread(parent.line, "base_url"))
    connected = asyncio.Event()
    watching = asyncio.create_task(_gone(Endpoint(told["base_url"], "", ""), after=connected))
    await connected.wait()
    assert not watching.done()
    parent.kill()
    await watching


async def test_weights_that_cannot_be_loaded_are_told(tmp_path: Path) -> None:
    rubbish = tmp_path / "models" / "tiny.gguf"
    rubbish.parent.mkdir()
    rubbish.write_bytes(b"no weights")
    small_talk = SmallTalk(Weights(tmp_path, source=source(bytes=10)))
    with pytest.raises(EndpointError, match=r"^Small talk's model did not start; the debug log says why\. Ask again"):
        await small_talk.endpoint()
    await small_talk.close()


async def test_weights_that_cannot_be_fetched_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**OWN_SETTINGS, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    small_talk = SmallTalk(Weights(tmp_path, source=source()))
    with pytest.raises(EndpointError, match="pip reaches no package index that has it"):
        await small_talk.endpoint()
    await small_talk.close()


async def test_without_its_runtime_it_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    small_talk = SmallTalk(Weights(tmp_path))
    assert "pip install -e '.[local]'" in str(small_talk.available())
    with pytest.raises(EndpointError, match="runtime is not installed"):
        await small_talk.endpoint()


def test_where_its_runtime_has_no_wheel_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    monkeypatch.setattr("sysconfig.get_platform", lambda: "linux-riscv64")
    assert SmallTalk(Weights(tmp_path)).available() == (
        "Small talk's runtime (xllamacpp) has no wheel for linux-riscv64; connect a model instead."
    )
