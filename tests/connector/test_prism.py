"""A strict mock server made of the API's own description finds nothing wrong with any request of ours."""

import socket
from collections.abc import AsyncIterator, Iterator

import pytest

from assistants.connector import AssistantsClient, UnprocessableError
from assistants.connector.exchange import Exchange
from tests.conftest import Facts
from tests.connector.calls import OPERATIONS
from tests.npm import installed
from tests.processes import Process


@pytest.fixture(scope="module")
def prism(shared_facts: Facts) -> Iterator[str]:
    """Prism's address. It refuses what the description does not allow: unknown fields, limits, missing parts."""
    # The newest version that runs on the Node.js of current stable distributions.
    program = installed("@stoplight/prism-cli", "5.14.2", "prism")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    description = str(shared_facts / "openapi.yaml")
    process = Process(program, "mock", "--errors", "-h", "127.0.0.1", "-p", str(port), description)
    try:
        process.line("Prism is listening")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.end()


@pytest.fixture
async def client(prism: str) -> AsyncIterator[AssistantsClient]:
    async with AssistantsClient(prism, "sk-test", max_retries=0) as client:
        yield client


@pytest.mark.parametrize("name", OPERATIONS)
async def test_every_request_is_one_the_description_allows_and_its_answer_is_read(
    client: AssistantsClient, name: str
) -> None:
    await OPERATIONS[name].call(client)


async def test_a_request_the_description_forbids_would_be_found(
    client: AssistantsClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That nothing is found means something only if Prism finds what is wrong."""
    monkeypatch.setattr(
        Exchange, "create", lambda self, model, path, request: self.post(model, path, request.model_copy(update=WRONG))
    )
    with pytest.raises(UnprocessableError):
        await client.assistants.create(model="m")


WRONG = {"temperature": 3.0}
