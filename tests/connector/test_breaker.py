"""A server that fails all the time is left alone for a while, then tried with one request."""

import pytest

from assistants.connector import (
    AssistantsClient,
    CircuitBreaker,
    CircuitOpenError,
    ConnectError,
    DisconnectedError,
    ServerError,
    exchange,
)
from assistants.connector.errors import AssistantsError, NotFoundError
from tests.connector.objects import THREAD
from tests.connector.server import Answer, Server, js, refusal


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> CircuitBreaker:
    return CircuitBreaker(failures=0.5, least=4, window=30, reset=10, clock=clock)


def fail(breaker: CircuitBreaker, error: AssistantsError) -> None:
    with pytest.raises(AssistantsError), breaker.guard("host"):
        raise error


def succeed(breaker: CircuitBreaker) -> None:
    with breaker.guard("host"):
        pass


async def test_a_failing_server_is_not_asked_until_its_rest_is_over(
    server: Server, clock: Clock, breaker: CircuitBreaker
) -> None:
    async with AssistantsClient(server.url, circuit_breaker=breaker, max_retries=0) as client:
        server.will(js(THREAD), js(THREAD), *[refusal(500, "Oh.")] * 2)
        for _ in range(2):
            await client.threads.retrieve("thread_1")
        for _ in range(2):
            with pytest.raises(ServerError):
                await client.threads.retrieve("thread_1")
        with pytest.raises(
            CircuitOpenError, match=r"has failed too often lately; it is asked again in 10 seconds\.$"
        ) as caught:
            await client.threads.create()  # a creating call, and still nothing is in doubt
        assert isinstance(caught.value, ConnectError)
        assert caught.value.retry_after == 10
        assert len(server.asked) == 4
        clock.now += 10
        server.will(js(THREAD), js(THREAD))
        await client.threads.create()
        await client.threads.create()


async def test_an_open_circuit_is_said_at_once_whatever_may_be_repeated(
    server: Server, breaker: CircuitBreaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def pause(seconds: float) -> None:
        raise AssertionError(f"waits for {seconds} seconds")

    monkeypatch.setattr(exchange, "sleep", pause)
    for _ in range(4):
        fail(breaker, ConnectError("no"))
    async with AssistantsClient(server.url, circuit_breaker=breaker) as client:
        with pytest.raises(CircuitOpenError):
            await client.threads.retrieve("thread_1")


async def test_a_body_that_breaks_off_counts_once_and_as_a_failure(server: Server, breaker: CircuitBreaker) -> None:
    half = Answer(body=b"half", headers={"content-length": "99"})
    async with AssistantsClient(server.url, circuit_breaker=breaker, max_retries=0) as client:
        server.will(*[half] * 4)
        for _ in range(4):
            assert not breaker.is_open
            async with client.files.content("file-1") as content:
                with pytest.raises(DisconnectedError):
                    await content.read()
        with pytest.raises(CircuitOpenError):
            await client.files.content("file-1").__aenter__()


async def test_a_body_that_came_whole_or_was_left_early_is_a_success(server: Server, breaker: CircuitBreaker) -> None:
    whole = Answer(body=b"whole", length=5)
    async with AssistantsClient(server.url, circuit_breaker=breaker, max_retries=0) as watching:
        server.will(whole, whole, whole, Answer(body=b"whole", headers={"content-length": "99"}, held=True))
        for _ in range(3):
            async with watching.files.content("file-1") as content:
                assert await content.read() == b"whole"
        async with watching.files.content("file-1") as content:
            assert await anext(aiter(content)) == b"whole"
    for _ in range(3):
        fail(breaker, ConnectError("no"))
    assert not breaker.is_open  # three of seven: all four were counted


def test_one_request_tries_the_server_again(breaker: CircuitBreaker, clock: Clock) -> None:
    for _ in range(4):
        fail(breaker, ConnectError("no"))
    clock.now += 10
    with breaker.guard("host"), pytest.raises(CircuitOpenError):  # the others wait for what becomes of it
        succeed(breaker)
    assert not breaker.is_open


def test_a_trial_that_fails_opens_it_again(breaker: CircuitBreaker, clock: Clock) -> None:
    for _ in range(4):
        fail(breaker, ConnectError("no"))
    clock.now += 10
    fail(breaker, ConnectError("still no"))
    assert breaker.is_open
    clock.now += 10
    succeed(breaker)
    assert not breaker.is_open


def test_a_trial_that_was_given_up_leaves_room_for_the_next(breaker: CircuitBreaker, clock: Clock) -> None:
    for _ in range(4):
        fail(breaker, ConnectError("no"))
    clock.now += 10
    with pytest.raises(KeyboardInterrupt), breaker.guard("host"):
        raise KeyboardInterrupt
    succeed(breaker)


def test_old_failures_and_refusals_do_not_count(breaker: CircuitBreaker, clock: Clock) -> None:
    for _ in range(3):
        fail(breaker, ConnectError("no"))
    clock.now += 31
    for _ in range(8):
        fail(breaker, NotFoundError("no such thing", status=404))
    fail(breaker, ConnectError("no"))
    assert not breaker.is_open


@pytest.mark.parametrize("wrong", [{"failures": 0}, {"failures": 1.5}, {"least": 0}, {"window": 0}, {"reset": -1}])
def test_a_breaker_that_makes_no_sense_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="circuit breaker needs"):
        CircuitBreaker(**wrong)  # type: ignore[arg-type]
