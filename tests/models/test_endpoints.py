"""An endpoint is tried live; whatever is wrong with it is told in one sentence without the key."""

import json
import re

import pytest

from assistants.service.endpoints import Endpoint, EndpointError, try_endpoint
from tests.models.servers import (
    CHAT,
    MODELS,
    SPEAKS,
    answer,
    closed_port,
    delta,
    models,
    refusal,
    serving,
    stream,
)

KEY = "sk-a-very-secret-key"
LONG = {"message": "x " * 500}


async def _sentence(base_url: str, *, key: str = KEY, model: str = "llama", seconds: float = 30) -> str:
    with pytest.raises(EndpointError) as caught:
        await try_endpoint(Endpoint(base_url, key, model), seconds=seconds)
    sentence = str(caught.value)
    assert KEY not in sentence
    assert "\n" not in sentence
    return sentence


async def test_an_endpoint_that_answers_is_given_back_as_it_is() -> None:
    async with serving({CHAT: SPEAKS}) as server:
        endpoint = Endpoint(f"{server.address}/v1", KEY, "llama")
        assert await try_endpoint(endpoint) == endpoint
        [(_, headers, body)] = server.asked
    assert f"authorization: bearer {KEY}" in headers
    assert json.loads(body) | {"model": "llama", "stream": True} == json.loads(body)


@pytest.mark.parametrize("suffix", ["", "/", "/v1/", "/v1/chat/completions", "/chat/completions/"])
async def test_the_address_is_mended(suffix: str) -> None:
    async with serving({CHAT: SPEAKS}) as server:
        tried = await try_endpoint(Endpoint(f" {server.address}{suffix} ", KEY, "llama"))
        assert tried.base_url == f"{server.address}/v1"


async def test_an_address_at_home_needs_no_scheme() -> None:
    async with serving({CHAT: SPEAKS}) as server:
        tried = await try_endpoint(Endpoint(f"127.0.0.1:{server.port}", "", "llama"))
    assert tried.base_url == f"{server.address}/v1"
    assert "authorization" not in server.asked[0][1]


async def test_an_endpoint_outside_v1_is_found_where_it_is() -> None:
    async with serving({"/openai/chat/completions": SPEAKS}) as server:
        tried = await try_endpoint(Endpoint(f"{server.address}/openai", KEY, "llama"))
        assert tried.base_url == f"{server.address}/openai"


async def test_the_only_chat_model_is_taken_when_none_is_named() -> None:
    async with serving({CHAT: SPEAKS, MODELS: models("llama", "nomic-embed-text")}) as server:
        assert (await try_endpoint(Endpoint(server.address, KEY, " "))).model == "llama"


async def test_of_several_models_one_has_to_be_named() -> None:
    async with serving({CHAT: SPEAKS, MODELS: models(*"abcdefg")}) as server:
        place = f"127.0.0.1:{server.port}"
        assert await _sentence(server.address, model="") == f"Name the model: {place} has a, b, c, d, e and 2 more."


async def test_a_thinking_model_speaks_before_its_first_word() -> None:
    async with serving({CHAT: stream(delta(role="assistant"), delta(reasoning_content="Hm"))}) as server:
        await try_endpoint(Endpoint(server.address, KEY, "llama"))


@pytest.mark.parametrize(
    ("chat", "sentence"),
    [
        (refusal("401 Unauthorized", {"message": f"Incorrect {KEY}"}), "refused the key; check it and paste it again"),
        (
            refusal("403 Forbidden", "Not here."),
            r"denied access \(it answered 403: Not here\); check what the key",
        ),
        (answer("", status="403 Forbidden"), r"denied access \(it answered 403\); check what the key may use"),
        (refusal("429 Too Many", "slow", more="retry-after: 7\r\n"), "is limiting requests; wait 7 seconds and try"),
        (refusal("429 Too Many", "slow"), "is limiting requests; wait a moment and try again"),
        (refusal("429 Too Many", {"code": "insufficient_quota"}), "the quota of this key is used up; check the plan"),
        (refusal("402 Payment Required", {}), "the quota of this key is used up"),
        (refusal("404 Not Found", {"message": "model 'llama' not found"}), "has no model named llama; use a name"),
        (
            refusal("500 Oops", {"message": "needs more memory"}),
            r"a test question \(it answered 500\): needs more mem",
        ),
        (refusal("500 Oops", LONG), "x…$"),
        (answer("", status="503 Busy"), r"failed \(it answered 503\); check its log"),
        (refusal("400 Bad", {"message": f"{KEY} is odd"}), r"a test question \(it answered 400\): … is odd"),
        (answer("", status="307 Moved", more="location: /x\r\n"), r"\(it sends elsewhere\); check the address"),
        (answer("<h1>Hi</h1>", kind="text/html"), r"OpenAI-compatible endpoint \(what it sends is no stream of events"),
        (answer("<h1>No</h1>", status="400 Bad", kind="text/html"), r"OpenAI-compatible endpoint \(it answered 400\)"),
        (
            answer("", status="404 Not Found"),
            r"not an OpenAI-compatible endpoint \(it answered 404\); check the address",
        ),
        (stream({"hello": 1}), r"OpenAI-compatible endpoint \(its events are no completion chunks\)"),
        (stream({"error": {"message": f"{KEY} broke"}}), "refused a test question .*: … broke"),
        (stream(delta(role="assistant")), "ended its answer before the first word; try another model"),
        (b"SSH-2.0-OpenSSH_9.9\r\n", "closed the connection; check that it speaks HTTP"),
        (b"", "closed the connection"),
    ],
)
async def test_what_is_wrong_is_told_in_a_sentence(chat: bytes, sentence: str) -> None:
    async with serving({CHAT: chat}) as server:
        assert re.search(sentence, await _sentence(f"{server.address}/v1"))


async def test_a_model_that_is_not_there_is_told_with_those_that_are() -> None:
    listed = models("gpt-oss", "llama3.2", "bge-m3")
    async with serving({CHAT: refusal("400 Bad", "what?"), MODELS: listed}) as server:
        said = await _sentence(server.address, model="lama3.2")
        assert said == f"127.0.0.1:{server.port} has no model named lama3.2; it has llama3.2, gpt-oss."


async def test_a_key_pasted_as_the_model_is_not_told() -> None:
    async with serving({CHAT: refusal("404 Not Found", "no such model")}) as server:
        assert "no model named …;" in await _sentence(server.address, model=KEY)


async def test_a_missing_key_is_asked_for() -> None:
    async with serving({CHAT: refusal("401 Unauthorized", "key?")}) as server:
        assert "requires a key; enter it" in await _sentence(server.address, key="")


async def test_a_refused_key_counts_more_than_a_path_that_is_not_there() -> None:
    async with serving({CHAT: refusal("401 Unauthorized", "key?")}, otherwise=answer("", status="404 No")) as server:
        assert "refused the key" in await _sentence(server.address)


async def test_a_web_server_is_no_endpoint_with_or_without_v1() -> None:
    async with serving({}, otherwise=answer("<h1>Welcome</h1>", kind="text/html")) as server:
        said = await _sentence(server.address)
        assert said.startswith(f"{server.address} is not an OpenAI-compatible endpoint, with or without /v1 (")


async def test_a_server_that_stays_silent_is_not_waited_for() -> None:
    async with serving({}, otherwise=None) as server:
        said = await _sentence(server.address, seconds=0.05)
        assert said.startswith(f"127.0.0.1:{server.port} did not answer within 0.05 seconds; if it is loading")


async def test_a_list_that_never_comes_does_not_hide_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assistants.service.endpoints.LIST_SECONDS", 0.05)
    async with serving({CHAT: refusal("422 No", "odd"), MODELS: None}) as server:
        assert "(it answered 422): odd" in await _sentence(f"{server.address}/v1")


async def test_nobody_at_the_port() -> None:
    port = await closed_port()
    said = await _sentence(f"http://127.0.0.1:{port}")
    assert said == f"Nothing answers at 127.0.0.1:{port}; check that the server is running and that the port is right."


async def test_https_where_only_http_is_spoken() -> None:
    async with serving({CHAT: SPEAKS}) as server:
        said = await _sentence(f"https://127.0.0.1:{server.port}/v1")
        assert said == f"127.0.0.1:{server.port} does not speak HTTPS; use http:// instead."


@pytest.mark.parametrize("host", ["a" * 64 + ".example", "a..example"])
async def test_a_name_that_no_host_can_have(host: str) -> None:
    assert await _sentence(f"http://{host}/v1") in (
        f"There is no host named {host}; check the address and the network.",
        "That is no address; give one like http://127.0.0.1:11434/v1.",
    )


@pytest.mark.parametrize(
    "address", ["", "http://", "ftp://a/b", "http://[", "http://a:b", "http://a b/v1", "http://ä/"]
)
async def test_what_is_no_address_is_told_so(address: str) -> None:
    assert await _sentence(address) == "That is no address; give one like http://127.0.0.1:11434/v1."


@pytest.mark.parametrize(
    "host", ["169.254.169.254", "2852039166", "0xa9fea9fe", "[fe80::1]", "[::ffff:169.254.169.254]"]
)
async def test_where_a_cloud_keeps_its_secrets_nobody_is_asked(host: str) -> None:
    sentence = "That address is for the machine's own network, where clouds keep secrets; give another."
    assert await _sentence(f"http://{host}/v1") == sentence


@pytest.mark.parametrize("address", [f"http://me:{KEY}@a.example/v1", f"http://a.example/v1?key={KEY}"])
async def test_an_address_holds_no_secrets(address: str) -> None:
    assert "give the key in its own field" in await _sentence(address)


@pytest.mark.parametrize("key", ["sk-\nx", "clé-secrète"])
async def test_a_key_that_no_header_can_hold(key: str) -> None:
    with pytest.raises(EndpointError, match=r"^The key holds characters that no key has; copy it again"):
        await try_endpoint(Endpoint("http://127.0.0.1:1/v1", key, "llama"))


def test_an_endpoint_does_not_show_its_key() -> None:
    assert KEY not in repr(Endpoint("http://a/v1", KEY, "llama"))
