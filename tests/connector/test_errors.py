"""Whatever goes wrong is an error of the one tree, with a sentence for a person and never the key."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from assistants.connector import (
    AssistantsClient,
    AssistantsError,
    BadRequestError,
    ConflictError,
    ConnectError,
    DisconnectedError,
    ForbiddenError,
    NotFoundError,
    OutcomeUnknown,
    ProtocolError,
    RateLimitedError,
    RequestTimeoutError,
    RunInWrongStateError,
    ServerError,
    StatusError,
    ThreadLockedError,
    UnauthorizedError,
    UnprocessableError,
)
from assistants.contract import Failure, cannot_cancel, messages_locked, no_outputs_wanted, thread_busy
from tests.connector.objects import THREAD
from tests.connector.server import Answer, Server, js, page, refusal


@pytest.mark.parametrize(
    ("status", "kind", "retryable"),
    [
        (400, BadRequestError, False),
        (401, UnauthorizedError, False),
        (403, ForbiddenError, False),
        (404, NotFoundError, False),
        (405, StatusError, False),
        (409, ConflictError, True),
        (422, UnprocessableError, False),
        (429, RateLimitedError, True),
        (500, ServerError, True),
        (503, ServerError, True),
    ],
)
async def test_each_status_is_its_own_error(
    server: Server, client: AssistantsClient, status: int, kind: type[StatusError], retryable: bool
) -> None:
    server.will(refusal(status, "Because.", code="some_code", param="some_param"))
    with pytest.raises(AssistantsError, match=r"Because\.") as caught:
        await client.threads.retrieve("thread_1")
    error = caught.value
    assert type(error) is kind
    assert (error.status, error.code, error.param, error.request_id) == (status, "some_code", "some_param", "req_1")
    assert error.retryable is retryable
    assert len(server.asked) == 1


@pytest.mark.parametrize("failure", [messages_locked("thread_1", "run_7"), thread_busy("thread_1", "run_7")])
async def test_a_locked_thread_names_the_run_that_holds_it(
    server: Server, client: AssistantsClient, failure: Failure
) -> None:
    server.will(refusal(400, failure.message))
    with pytest.raises(ThreadLockedError) as caught:
        await client.threads.messages.create("thread_1", content="Hi")
    assert caught.value.run_id == "run_7"
    assert caught.value.retryable


@pytest.mark.parametrize("failure", [cannot_cancel("completed"), no_outputs_wanted("completed")])
async def test_a_run_in_the_wrong_state_says_which(server: Server, client: AssistantsClient, failure: Failure) -> None:
    server.will(refusal(400, failure.message))
    with pytest.raises(RunInWrongStateError) as caught:
        await client.threads.runs.cancel("thread_1", "run_1")
    assert caught.value.run_status == "completed"


async def test_a_refused_connection_names_the_host(unused: str) -> None:
    async with AssistantsClient(f"http://{unused}/v1", "sk-very-secret", max_retries=0) as client:
        with pytest.raises(ConnectError) as caught:
            await client.threads.create()
    assert str(caught.value) == f"Cannot reach the assistants server at {unused}: nothing listens there."
    assert caught.value.retryable


async def test_a_server_without_tls_is_not_reached_by_https(talker: str) -> None:
    async with AssistantsClient(f"https://{talker}/v1", max_retries=0) as client:
        with pytest.raises(ConnectError, match="it does not speak TLS as it should"):
            await client.threads.create()


async def test_a_connection_lost_after_the_request_is_not_called_unreached(
    server: Server, client: AssistantsClient
) -> None:
    server.will(None, None)  # aiohttp asks once more by itself when a GET meets a closed connection
    with pytest.raises(DisconnectedError, match=r"broke before it had answered\.$"):
        await client.threads.retrieve("thread_1")


async def test_an_answer_cut_short_is_a_lost_connection(server: Server, client: AssistantsClient) -> None:
    server.will(Answer(200, b'{"id": "thr', {"content-type": "application/json", "content-length": "500"}))
    with pytest.raises(DisconnectedError):
        await client.threads.retrieve("thread_1")


async def test_no_answer_in_time_is_a_timeout(server: Server) -> None:
    server.will(Answer(body=b"", held=True, headers={"content-length": "10"}))
    async with AssistantsClient(server.url, timeout=httpx.Timeout(60, read=0.01), max_retries=0) as client:
        with pytest.raises(RequestTimeoutError, match="did not answer in time") as caught:
            await client.threads.retrieve("thread_1")
    assert isinstance(caught.value, TimeoutError)


@pytest.mark.parametrize("status", [200, 404])
async def test_a_web_page_says_what_came(server: Server, client: AssistantsClient, status: int) -> None:
    server.will(page(status, "<!doctype html>\n<title>Welcome to nginx</title>"))
    with pytest.raises(ProtocolError) as caught:
        await client.threads.retrieve("thread_1")
    host = server.url.removeprefix("http://").removesuffix("/v1")
    assert str(caught.value) == (
        f"{host} does not speak the Assistants API at /v1/threads/thread_1: it answered {status} with text/html, "
        "'<!doctype html> <title>Welcome to nginx</title>'. Check the base URL."
    )


async def test_a_gateways_error_page_is_a_server_that_failed(server: Server, client: AssistantsClient) -> None:
    server.will(page(502, "<html><h1>Bad Gateway</h1></html>"))
    with pytest.raises(ServerError, match=r"failed \(502\): It sent a web page instead of a reason") as caught:
        await client.threads.retrieve("thread_1")
    assert caught.value.retryable


async def test_json_of_something_else_is_not_taken_for_an_answer(server: Server, client: AssistantsClient) -> None:
    server.will(js({"ok": True}))
    with pytest.raises(ProtocolError, match=r"""'{"ok": true}'"""):
        await client.threads.retrieve("thread_1")


async def test_what_is_not_http_is_said(talker: str) -> None:
    async with AssistantsClient(f"http://{talker}/v1") as client:
        with pytest.raises(ProtocolError, match=f"^{talker} does not speak HTTP"):
            await client.threads.retrieve("thread_1")


@pytest.fixture
async def talker() -> AsyncIterator[str]:
    """The address of a server that speaks, and does not speak HTTP."""

    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.9\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        yield f"{host}:{port}"


async def test_a_redirect_names_the_place(server: Server, client: AssistantsClient) -> None:
    server.will(Answer(308, b"", {"location": "https://example.org/v1/threads"}, length=0))
    with pytest.raises(ProtocolError, match=r"points to https://example\.org/v1/threads; make that the base URL"):
        await client.threads.create()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (page(400, "thread is busy", kind="text/plain"), "thread is busy"),
        (js({"error": "quota exceeded"}, status=400), "quota exceeded"),
        (js({"message": "no such thing", "code": 404}, status=400), "no such thing"),
        (js({"detail": [{"msg": "field required"}]}, status=400), '[{"msg": "field required"}]'),
        (js({"detail": "Not Found"}, status=400), "Not Found"),
        (js(["odd"], status=400), "['odd']"),
        (Answer(400, b"", length=0), "It gave no reason."),
    ],
)
async def test_errors_of_any_shape_are_read(
    server: Server, client: AssistantsClient, answer: Answer, said: str
) -> None:
    server.will(answer)
    with pytest.raises(BadRequestError) as caught:
        await client.threads.retrieve("thread_1")
    assert str(caught.value) == said


@pytest.mark.parametrize("status", [200, 401, 404, 500])
async def test_the_key_is_never_repeated(server: Server, client: AssistantsClient, status: int) -> None:
    server.will(js({"error": {"message": "Incorrect API key provided: sk-very-secret."}}, status=status))
    with pytest.raises(AssistantsError) as caught:
        await client.threads.retrieve("thread_1")
    assert "sk-very-secret" not in str(caught.value)


@pytest.mark.parametrize("key", ["sk-a\nb", "“sk-a”", "sk a"])
def test_a_key_that_cannot_be_one_is_refused_without_showing_it(key: str) -> None:
    with pytest.raises(ValueError, match="look for spaces, quotes or line breaks") as caught:
        AssistantsClient("http://localhost/v1", api_key=key)
    assert key not in str(caught.value)


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://x/v1", "", "https://", "http://[::1"])
def test_a_base_url_that_leads_nowhere_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="is not the address of an assistants server"):
        AssistantsClient(url)


async def test_a_lost_connection_does_not_spoil_the_next_request(server: Server, client: AssistantsClient) -> None:
    server.will(js(THREAD), None, js(THREAD))
    await client.threads.create()
    with pytest.raises(OutcomeUnknown):
        await client.threads.create()
    assert (await client.threads.create()).id == "thread_1"
    assert [asked.method for asked in server.asked] == ["POST"] * 3
