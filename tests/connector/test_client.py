"""How a client reaches its server: Azure's ways, proxies, TLS, limits, and transports of one's own."""

import gzip
import json
import ssl
from collections.abc import AsyncIterator

import httpx
import pytest
import trustme

from assistants.connector import AssistantsClient, AssistantsError, BadRequestError, ConnectError
from tests.connector.objects import THREAD, listed
from tests.connector.server import Answer, Server, js


async def test_azures_version_is_said_with_every_request(server: Server) -> None:
    async with AssistantsClient(f"{server.url}/api/projects/p/", api_version="2025-05-01") as client:
        server.will(js(THREAD), js(listed()))
        await client.threads.create()
        await client.assistants.list(limit=5).page()
    assert [asked.path for asked in server.asked] == ["/v1/api/projects/p/threads", "/v1/api/projects/p/assistants"]
    assert server.asked[0].query == {"api-version": ["2025-05-01"]}
    assert server.asked[1].query == {"api-version": ["2025-05-01"], "limit": ["5"], "order": ["desc"]}


async def test_a_token_is_asked_for_before_each_request(server: Server) -> None:
    tokens = iter(["first", "second"])

    async def token() -> str:
        return next(tokens)

    async with AssistantsClient(server.url, token) as client:
        server.will(js(THREAD), js(THREAD))
        await client.threads.create()
        await client.threads.create()
    assert [asked.headers["authorization"] for asked in server.asked] == ["Bearer first", "Bearer second"]


async def test_a_plain_callable_gives_tokens_too_and_none_is_repeated_in_an_error(server: Server) -> None:
    async with AssistantsClient(server.url, lambda: "tok-very-secret") as client:
        server.will(js({"error": {"message": "Bad token tok-very-secret."}}, status=401))
        with pytest.raises(AssistantsError) as caught:
            await client.threads.create()
    assert server.asked[0].headers["authorization"] == "Bearer tok-very-secret"
    assert "very-secret" not in str(caught.value)


async def test_a_token_that_cannot_be_one_is_not_sent(server: Server) -> None:
    async with AssistantsClient(server.url, lambda: "two words") as client:
        with pytest.raises(ValueError, match="look for spaces"):
            await client.threads.create()
    assert server.asked == []


async def test_headers_of_ones_own_are_sent_and_secret_ones_kept(server: Server) -> None:
    async with AssistantsClient(server.url, headers={"api-key": "k-very-secret", "x-team": "blue"}) as client:
        server.will(js({"error": "k-very-secret is no key of team blue"}, status=401))
        with pytest.raises(AssistantsError, match="… is no key of team blue"):
            await client.threads.create()
    assert (server.asked[0].headers["api-key"], server.asked[0].headers["x-team"]) == ("k-very-secret", "blue")


async def test_a_header_of_ones_own_takes_the_place_of_the_clients(server: Server) -> None:
    async with AssistantsClient(server.url, headers={"user-agent": "mine"}) as client:
        server.will(js(THREAD))
        await client.threads.create()
    assert server.asked[0].headers["user-agent"] == "mine"


def test_the_beta_header_is_the_clients() -> None:
    with pytest.raises(ValueError, match="OpenAI-Beta is sent by the client itself"):
        AssistantsClient("http://localhost/v1", headers={"openai-beta": "assistants=v1"})


async def test_a_proxy_is_asked_for_the_server(server: Server) -> None:
    proxy = httpx.Proxy(server.url.removesuffix("/v1"), auth=("me", "secret"))
    async with AssistantsClient("http://assistants.invalid/v1", proxy=proxy) as client:
        server.will(js(THREAD))
        await client.threads.create()
    assert server.asked[0].target == "http://assistants.invalid/v1/threads"
    assert server.asked[0].headers["proxy-authorization"].startswith("Basic ")


async def test_a_proxy_that_is_not_there_means_nothing_was_done(unused: str) -> None:
    async with AssistantsClient("http://assistants.invalid/v1", proxy=f"http://{unused}", max_retries=0) as client:
        with pytest.raises(ConnectError):
            await client.threads.create()


@pytest.mark.parametrize("option", [{"verify": False}, {"proxy": "http://p"}, {"limits": httpx.Limits()}])
def test_options_of_the_transport_are_not_dropped_beside_one_of_ones_own(option: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="give them to yours"):
        AssistantsClient("http://localhost/v1", transport=httpx.AsyncHTTPTransport(), **option)  # type: ignore[arg-type]


def test_a_kind_of_proxy_that_needs_a_transport_is_said_to() -> None:
    with pytest.raises(ValueError, match="needs a transport of its own"):
        AssistantsClient("http://localhost/v1", proxy="socks5://localhost:1080")


@pytest.fixture(params=["aiohttp", "httpx"])
async def either(request: pytest.FixtureRequest, server: Server) -> AsyncIterator[AssistantsClient]:
    transport = None if request.param == "aiohttp" else httpx.AsyncHTTPTransport()
    async with AssistantsClient(server.url, transport=transport, max_retries=0) as client:
        yield client


async def test_any_transport_of_httpx_will_do(server: Server, either: AssistantsClient) -> None:
    server.will(js(THREAD), js({**THREAD, "id": "thread_2"}))
    assert (await either.threads.create()).id == "thread_1"

    async def pieces() -> AsyncIterator[bytes]:
        yield b"Notes"

    with pytest.raises(AssistantsError):  # a thread is no file
        await either.files.create(pieces(), filename="n")
    assert server.asked[1].body["file"] == "Notes"


async def test_certificates_are_checked_by_the_context_that_was_given() -> None:
    authority = trustme.CA()
    inside, trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(inside)
    authority.configure_trust(trusting)
    async with Server(tls=inside) as server:
        server.will(js(THREAD), js(THREAD))
        for verify in (trusting, False):
            async with AssistantsClient(server.url, verify=verify) as client:
                assert (await client.threads.retrieve("thread_1")).id == "thread_1"
        async with AssistantsClient(server.url, max_retries=0) as client:
            with pytest.raises(ConnectError, match="its certificate is not trusted"):
                await client.threads.create()


async def test_a_server_that_wants_a_certificate_gets_the_clients() -> None:
    authority = trustme.CA()
    inside, holding = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    for context, name in ((inside, "127.0.0.1"), (holding, "me.example")):
        authority.issue_cert(name).configure_cert(context)
        authority.configure_trust(context)
    inside.verify_mode = ssl.CERT_REQUIRED
    async with Server(tls=inside) as server, AssistantsClient(server.url, verify=holding) as client:
        server.will(js(THREAD))
        assert (await client.threads.retrieve("thread_1")).id == "thread_1"


@pytest.mark.parametrize("limit", [0, 101])
def test_a_limit_out_of_bounds_is_refused_before_it_is_asked(limit: int) -> None:
    client = AssistantsClient("http://localhost/v1")
    with pytest.raises(BadRequestError, match="Invalid 'limit': integer") as caught:
        client.assistants.list(limit=limit)
    assert caught.value.param == "limit"


async def test_an_answer_may_come_compressed(server: Server) -> None:
    body = gzip.compress(json.dumps(THREAD).encode())
    server.will(Answer(200, body, {"content-type": "application/json", "content-encoding": "gzip"}, length=len(body)))
    async with AssistantsClient(server.url) as client:
        assert (await client.threads.retrieve("thread_1")).id == "thread_1"
    assert "gzip" in server.asked[0].headers["accept-encoding"]


async def test_cookies_are_nobodys(server: Server) -> None:
    server.will(js(THREAD, headers={"set-cookie": "a=b"}), js(THREAD))
    async with AssistantsClient(server.url) as client:
        await client.threads.create()
        await client.threads.create()
    assert "cookie" not in server.asked[1].headers
