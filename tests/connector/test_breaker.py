"""A server that fails all the time is left alone for a while, then tried with one request."""

import pytest

from assistants.connector import AssistantsClient, CircuitBreaker, CircuitOpenError, ConnectError, ServerError
from assistants.connector.errors import AssistantsError, NotFoundError
from tests.connector.objects import THREAD
from tests.connector.server import Server, js, refusal


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
