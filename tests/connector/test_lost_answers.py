"""Answers that are lost on their way back: our own service, asked again with the same key, does nothing twice."""

import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import httpx
import pytest

from assistants.connector import AssistantsClient, exchange
from assistants.connector.transport import default_transport
from assistants.contract import Wire
from assistants.service.scripted import ScriptedReply
from tests.processes import Process, threadline
from tests.scripted import Model, connecting

KEY = "sk-ours"
Create = Callable[[AssistantsClient], Awaitable[Wire]]


class Losing(httpx.AsyncBaseTransport):
    """The way to the service, on which the answers to the next `losses` creating requests are lost after they came."""

    def __init__(self) -> None:
        self.losses = 0
        self.lost: Callable[[], None] = lambda: None
        self.seen: list[bytes] = []
        self._way = default_transport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._way.handle_async_request(request)
        if request.method == "POST" and self.losses:
            self.losses -= 1
            self.seen.append(await response.aread())
            await response.aclose()
            self.lost()
            raise httpx.ReadError("lost")
        return response

    async def aclose(self) -> None:
        await self._way.aclose()


class Service:
    """`threadline serve` at one address, which can be killed and started again."""

    def __init__(self, model_address: str, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = str(free.getsockname()[1])
        self._env = {"PORT": port, "THREADLINE_API_KEYS": KEY, **connecting(model_address)}
        self._folder = folder
        self.url = f"http://127.0.0.1:{port}/v1"
        self.start()

    def start(self) -> None:
        self.program: Process = threadline("serve", env=self._env, cwd=self._folder)
        self.program.line("Threadline is at ")

    def restart(self) -> None:
        self.program.kill()
        self.start()


@pytest.fixture(scope="module")
def service(model_address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    service = Service(model_address, tmp_path_factory.mktemp("service"))
    try:
        yield service
    finally:
        service.program.end()


@pytest.fixture
def way() -> Losing:
    return Losing()


@pytest.fixture
async def client(service: Service, way: Losing, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[AssistantsClient]:
    async def pause(_: float) -> None: ...

    monkeypatch.setattr(exchange, "sleep", pause)
    async with AssistantsClient(service.url, KEY, transport=way, honours_idempotency_keys=True) as client:
        yield client


@pytest.mark.parametrize(
    "create",
    [
        lambda client: client.assistants.create(model="default", name="lost"),
        lambda client: client.threads.create(messages=[{"role": "user", "content": "Hi"}]),
        lambda client: client.files.create(b"Notes.", filename="lost.txt"),
        lambda client: client.vector_stores.create(name="lost"),
        lambda client: client.uploads.create(filename="lost.txt", bytes=6, mime_type="text/plain"),
    ],
    ids=["assistant", "thread", "file", "vector store", "upload"],
)
async def test_what_was_made_before_its_answer_was_lost_is_given_again(
    client: AssistantsClient, way: Losing, create: Create
) -> None:
    way.losses = 2
    made = await create(client)
    ids = {type(made).model_validate_json(body).wire()["id"] for body in way.seen}
    assert ids == {made.wire()["id"]}
    assert len(way.seen) == 2


async def test_a_question_and_its_run_are_there_once_though_the_service_was_killed_meanwhile(
    client: AssistantsClient, way: Losing, service: Service, model: Model
) -> None:
    await model.play(ScriptedReply(text="Once."))
    assistant = await client.assistants.create(model="default")
    thread = await client.threads.create()
    way.losses = 1
    await client.threads.messages.create(thread.id, content="Hi")
    way.losses, way.lost = 1, service.restart
    run = await client.threads.runs.create(thread.id, assistant_id=assistant.id)
    assert (await client.threads.runs.wait(thread.id, run.id)).status == "completed"
    assert [found.id async for found in client.threads.runs.list(thread.id)] == [run.id]
    said = [message.text async for message in client.threads.messages.list(thread.id, order="asc")]
    assert said == ["Hi", "Once."]


async def test_a_stream_whose_beginning_was_lost_is_told_once_more(
    client: AssistantsClient, way: Losing, model: Model
) -> None:
    await model.play(ScriptedReply(text="one two three"))
    assistant = await client.assistants.create(model="default")
    thread = await client.threads.create(messages=[{"role": "user", "content": "Count."}])
    way.losses = 1
    async with client.threads.runs.stream(thread.id, assistant_id=assistant.id) as stream:
        assert "".join([text async for text in stream.texts()]) == "one two three"
    assert not stream.recovered
    assert [run.id async for run in client.threads.runs.list(thread.id)] == [stream.run_id]
