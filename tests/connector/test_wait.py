"""Waiting for a run: asked again when the server says, or ever more slowly, until it ends or its time is up."""

import asyncio

import pytest

from assistants.connector import AssistantsClient, RequestTimeoutError, polling
from assistants.connector.polling import hinted
from tests.connector.objects import run
from tests.connector.server import Answer, Server, js, refusal


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long each pause was to be; none is waited for."""
    asked: list[float] = []

    async def pause(seconds: float) -> None:
        asked.append(round(seconds, 3))
        await asyncio.sleep(0)

    monkeypatch.setattr(polling, "sleep", pause)
    return asked


def polled(status: str, hint: str | None = None) -> Answer:
    return js(run(status), headers={} if hint is None else {"openai-poll-after-ms": hint})


@pytest.mark.parametrize("status", ["completed", "failed", "cancelled", "expired", "incomplete", "requires_action"])
async def test_waiting_ends_when_the_run_has_something_to_say(
    server: Server, client: AssistantsClient, pauses: list[float], status: str
) -> None:
    server.will(polled("queued"), polled("in_progress"), polled("cancelling"), polled(status))
    ended = await client.threads.runs.wait("thread_1", "run_1", deadline=3600)
    assert ended.status == status
    assert {asked.path for asked in server.asked} == {"/v1/threads/thread_1/runs/run_1"}


async def test_without_a_hint_it_asks_ever_more_slowly(
    server: Server, client: AssistantsClient, pauses: list[float]
) -> None:
    server.will(*[polled("in_progress")] * 6, polled("completed"))
    await client.threads.runs.wait("thread_1", "run_1", deadline=3600)
    assert pauses == [0.2, 0.4, 0.8, 1.6, 2.0, 2.0]


async def test_the_servers_hint_is_followed_each_time(
    server: Server, client: AssistantsClient, pauses: list[float]
) -> None:
    server.will(polled("queued", "1500"), polled("in_progress", "20"), polled("in_progress"), polled("completed"))
    await client.threads.runs.wait("thread_1", "run_1", deadline=3600)
    assert pauses[:2] == [1.5, 0.02]
    assert len(pauses) == 3


@pytest.mark.parametrize("hint", ["", "0", "-5", "soon", "nan", "inf"])
def test_a_hint_that_is_none_is_not_followed(hint: str) -> None:
    assert hinted(hint) is None


async def test_the_deadline_ends_the_waiting_and_not_the_run(
    server: Server, client: AssistantsClient, pauses: list[float]
) -> None:
    server.will(polled("in_progress", "60000"))
    with pytest.raises(RequestTimeoutError, match=r"^Run run_1 is still in_progress after 0 seconds\.$"):
        await client.threads.runs.wait("thread_1", "run_1", deadline=0)
    assert [asked.method for asked in server.asked] == ["GET"]


async def test_no_pause_is_longer_than_the_time_that_is_left(
    server: Server, client: AssistantsClient, pauses: list[float]
) -> None:
    server.will(polled("in_progress", "3600000"), polled("completed"))
    await client.threads.runs.wait("thread_1", "run_1", deadline=30)
    assert pauses[0] <= 30


async def test_a_wait_that_gives_up_can_cancel_the_run(
    server: Server, client: AssistantsClient, pauses: list[float]
) -> None:
    server.will(polled("in_progress"), polled("cancelling"))
    with pytest.raises(RequestTimeoutError):
        await client.threads.runs.wait("thread_1", "run_1", deadline=0, cancel=True)
    assert [asked.path.rpartition("/")[2] for asked in server.asked] == ["run_1", "cancel"]


@pytest.mark.parametrize("cancel", [True, False])
async def test_a_wait_that_is_cancelled_cancels_the_run_where_it_is_to(
    server: Server, client: AssistantsClient, monkeypatch: pytest.MonkeyPatch, cancel: bool
) -> None:
    pausing = asyncio.Event()

    async def pause(_: float) -> None:
        pausing.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(polling, "sleep", pause)
    server.will(polled("in_progress"), polled("cancelling"))
    waiting = asyncio.create_task(client.threads.runs.wait("thread_1", "run_1", cancel=cancel))
    await pausing.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert len(server.asked) == (2 if cancel else 1)


async def test_a_cancellation_that_fails_does_not_hide_why_the_wait_ended(
    server: Server, client: AssistantsClient, pauses: list[float]
) -> None:
    server.will(polled("in_progress"), refusal(400, "Cannot cancel run with status 'completed'."))
    with pytest.raises(RequestTimeoutError, match="still in_progress"):
        await client.threads.runs.wait("thread_1", "run_1", deadline=0, cancel=True)


async def test_the_deadline_holds_while_the_server_asks_for_patience(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.will(polled("in_progress", "1"), js({}, status=429, headers={"retry-after": "100"}))
    async with AssistantsClient(server.url) as patient:
        with pytest.raises(RequestTimeoutError, match="still in_progress"):
            await patient.threads.runs.wait("thread_1", "run_1", deadline=0.1)
