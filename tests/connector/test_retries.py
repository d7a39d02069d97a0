"""What may be asked again is, as patiently as the server wants; what creates something never blindly."""

import email.utils
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest

from assistants.connector import (
    AssistantsClient,
    ConnectError,
    DisconnectedError,
    OutcomeUnknown,
    RateLimitedError,
    RequestTimeoutError,
    ServerError,
    ThreadLockedError,
    exchange,
    once,
)
from assistants.contract import Run, thread_busy
from tests.connector.calls import OPERATIONS
from tests.connector.objects import ASSISTANT, THREAD, listed, run
from tests.connector.server import Answer, Server, js, page, refusal, sse
from tests.connector.test_streams import COMPLETED, DONE


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long each pause was to be; none is waited for."""
    asked: list[float] = []

    async def pause(seconds: float) -> None:
        asked.append(seconds)

    monkeypatch.setattr(exchange, "sleep", pause)
    return asked


@pytest.fixture
async def client(server: Server, pauses: list[float]) -> AsyncIterator[AssistantsClient]:
    async with AssistantsClient(server.url, "sk-very-secret", max_retries=6) as client:
        yield client


@pytest.fixture
async def trusting(server: Server, pauses: list[float]) -> AsyncIterator[AssistantsClient]:
    """A client that was told that the server honours idempotency keys."""
    async with AssistantsClient(server.url, max_retries=2, honours_idempotency_keys=True) as client:
        yield client


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 529])
async def test_what_may_pass_is_asked_again(server: Server, client: AssistantsClient, status: int) -> None:
    server.will(refusal(status, "Not now."), page(502, "<html>"), js(THREAD))
    assert (await client.threads.retrieve("thread_1")).id == "thread_1"
    assert len(server.asked) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 422])
async def test_what_will_not_pass_is_not(server: Server, client: AssistantsClient, status: int) -> None:
    server.will(refusal(status, "No."))
    with pytest.raises(Exception, match=r"No\."):
        await client.threads.retrieve("thread_1")
    assert len(server.asked) == 1


async def test_pauses_double_up_to_a_limit_and_no_two_clients_keep_step(
    server: Server, client: AssistantsClient, pauses: list[float]
) -> None:
    server.will(*[refusal(503, "Not now.")] * 7)
    with pytest.raises(ServerError):
        await client.threads.retrieve("thread_1")
    for asked, most in zip(pauses, [0.5, 1, 2, 4, 8, 8], strict=True):
        assert 0.75 * most <= asked <= most


def asking(**headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return js({"error": {"message": "Slow down."}}, status=429, headers=named)


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        (asking(retry_after_ms="1500"), 1.5),
        (asking(retry_after="7"), 7),
        (asking(retry_after_ms="20", retry_after="7"), 0.02),
        (asking(retry_after="120"), 120),
    ],
)
async def test_the_server_says_when(
    server: Server, client: AssistantsClient, pauses: list[float], answer: Answer, seconds: float
) -> None:
    server.will(answer, js(THREAD))
    await client.threads.retrieve("thread_1")
    assert pauses == [seconds]


async def test_the_server_may_name_a_date(server: Server, client: AssistantsClient, pauses: list[float]) -> None:
    server.will(asking(retry_after=email.utils.formatdate(time.time() + 100, usegmt=True)), js(THREAD))
    await client.threads.retrieve("thread_1")
    assert 0 < pauses[0] <= 100
    assert pauses[0] > 8  # more than any pause of our own


@pytest.mark.parametrize("said", ["0", "-3", "soon", "nan", "Wed, 21 Oct 2015 07:28:00 GMT"])
async def test_a_time_that_is_none_is_not_waited_for(
    server: Server, client: AssistantsClient, pauses: list[float], said: str
) -> None:
    server.will(asking(retry_after=said), js(THREAD))
    await client.threads.retrieve("thread_1")
    assert pauses[0] <= 0.5


async def test_a_server_that_asks_for_too_much_patience_is_left_to_the_caller(
    server: Server, client: AssistantsClient, pauses: list[float]
) -> None:
    server.will(asking(retry_after="121"))
    with pytest.raises(RateLimitedError) as caught:
        await client.threads.retrieve("thread_1")
    assert (caught.value.retry_after, pauses) == (121, [])


async def test_the_servers_own_word_on_retrying_wins(server: Server, client: AssistantsClient) -> None:
    no, yes = {"x-should-retry": "false"}, {"x-should-retry": "true"}
    server.will(js({}, status=503, headers=no))
    with pytest.raises(ServerError):
        await client.threads.retrieve("thread_1")
    server.will(js({"error": "odd"}, status=400, headers=yes), js(THREAD))
    await client.threads.retrieve("thread_1")
    assert len(server.asked) == 3


# Whatever is asked for twice, there is one of it.
CREATING = {
    "createAssistant",
    "createThread",
    "createThreadAndRun",
    "createMessage",
    "createRun",
    "submitToolOuputsToRun",
    "createFile",
    "createUpload",
    "addUploadPart",
    "completeUpload",
    "createVectorStore",
    "createVectorStoreFile",
    "createVectorStoreFileBatch",
}


@pytest.mark.parametrize("name", OPERATIONS)
async def test_what_creates_something_sends_a_key_and_stops_where_the_outcome_is_unknown(
    server: Server, client: AssistantsClient, name: str
) -> None:
    operation = OPERATIONS[name]
    server.will(refusal(503, "Not now."), js(operation.answer))
    if name in CREATING:
        with pytest.raises(OutcomeUnknown) as caught:
            await operation.call(client)
        assert caught.value.key == server.asked[0].headers["idempotency-key"]
        assert len(server.asked) == 1
    else:
        await operation.call(client)
        assert [asked.headers.get("idempotency-key") for asked in server.asked] == [None, None]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (None, DisconnectedError),
        (Answer(200, b'{"id": "thr', {"content-length": "500"}), DisconnectedError),
        (Answer(held=True, headers={"content-length": "10"}), RequestTimeoutError),
        (refusal(500, "Oh."), ServerError),
        (page(504, "<html>Gateway</html>"), ServerError),
    ],
    ids=["hung up", "cut short", "silent", "failed", "gateway"],
)
async def test_an_ambiguous_failure_of_a_creating_call_is_said_to_be_one(
    server: Server, answer: Answer | None, kind: type[Exception]
) -> None:
    server.will(answer)
    async with AssistantsClient(server.url, timeout=httpx.Timeout(60, read=0.2)) as client:
        with pytest.raises(OutcomeUnknown, match="look before you ask for it again") as caught:
            await client.threads.create()
    assert isinstance(caught.value.error, kind)
    assert not caught.value.retryable
    assert len(server.asked) == 1


async def test_a_creating_call_that_was_refused_may_be_repeated(
    server: Server, client: AssistantsClient, pauses: list[float]
) -> None:
    server.will(refusal(429, "Slow down."), refusal(409, "Busy."), js(THREAD))
    await client.threads.create()
    assert len({asked.headers["idempotency-key"] for asked in server.asked}) == 1
    assert len(server.asked) == 3


async def test_a_server_that_says_a_failed_creation_may_be_repeated_is_believed(
    server: Server, client: AssistantsClient
) -> None:
    server.will(js({}, status=503, headers={"x-should-retry": "true"}), js(THREAD))
    await client.threads.create()
    assert len(server.asked) == 2


async def test_a_server_that_was_never_reached_has_done_nothing(unused: str, pauses: list[float]) -> None:
    async with AssistantsClient(f"http://{unused}/v1", max_retries=2) as client:
        with pytest.raises(ConnectError):
            await client.threads.create()
    assert len(pauses) == 2


async def test_a_server_that_honours_keys_is_asked_again_with_the_same_one(
    server: Server, trusting: AssistantsClient
) -> None:
    server.will(None, refusal(500, "Oh."), js(THREAD))
    assert (await trusting.threads.create()).id == "thread_1"
    assert len({asked.headers["idempotency-key"] for asked in server.asked}) == 1


async def test_doubt_outlives_a_clearer_answer(server: Server, trusting: AssistantsClient) -> None:
    server.will(refusal(500, "Oh."), refusal(429, "Slow down."), refusal(429, "Slow down."))
    with pytest.raises(OutcomeUnknown) as caught:
        await trusting.threads.create()
    assert isinstance(caught.value.error, RateLimitedError)


async def test_two_calls_never_share_a_key(server: Server, client: AssistantsClient) -> None:
    server.will(js(THREAD), js(THREAD))
    await client.threads.create()
    await client.threads.create()
    first, second = (asked.headers["idempotency-key"] for asked in server.asked)
    assert first != second


async def test_a_stream_is_begun_once(server: Server, client: AssistantsClient) -> None:
    server.will(refusal(429, "Slow down."), sse(COMPLETED, DONE))
    async with client.threads.runs.stream("thread_1", assistant_id="asst_1") as events:
        assert [event.event async for event in events] == ["thread.run.completed"]
    server.will(None)
    with pytest.raises(OutcomeUnknown):
        async with client.threads.runs.stream("thread_1", assistant_id="asst_1"):
            pass
    assert len(server.asked) == 3


TAG = {"turn": "7.1"}


def creating(client: AssistantsClient) -> tuple[Callable[[], Awaitable[Run]], Callable[[], Awaitable[Run | None]]]:
    runs = client.threads.runs
    return (
        lambda: runs.create("thread_1", assistant_id="asst_1", metadata=TAG),
        lambda: runs.list("thread_1").find(TAG),
    )


async def test_a_look_up_finds_what_was_created_after_all(server: Server, client: AssistantsClient) -> None:
    others = [run(id="run_8", metadata={}), run(id="run_7", metadata={**TAG, "more": "x"})]
    server.will(None, js(listed(*others)))
    found = await once(*creating(client))
    assert found.id == "run_7"
    assert [asked.method for asked in server.asked] == ["POST", "GET"]


async def test_what_is_not_found_is_created_again(server: Server, client: AssistantsClient) -> None:
    server.will(None, js(listed()), js(run()))
    assert (await once(*creating(client))).id == "run_1"
    assert [asked.method for asked in server.asked] == ["POST", "GET", "POST"]


async def test_looking_and_creating_comes_to_an_end(server: Server, client: AssistantsClient) -> None:
    server.will(None, js(listed()), None, js(listed()))
    with pytest.raises(OutcomeUnknown):
        await once(*creating(client), attempts=2)
    server.will(refusal(400, thread_busy("thread_1", "run_7").message))
    with pytest.raises(ThreadLockedError):
        await once(*creating(client))


async def test_a_look_up_goes_no_further_than_it_was_told(server: Server, client: AssistantsClient) -> None:
    server.will(*[js(listed(*[{**ASSISTANT, "id": f"asst_{n}"} for n in range(2)], more=True))] * 2)
    assert await client.assistants.list().find(TAG, within=3) is None
    assert len(server.asked) == 2


async def test_a_storm_of_refusals_ends_in_one_error(server: Server, client: AssistantsClient, pauses: Any) -> None:
    server.will(*[asking(retry_after="1")] * 7)
    with pytest.raises(RateLimitedError, match="asks for fewer requests"):
        await client.threads.retrieve("thread_1")
    assert pauses == [1] * 6
