from collections.abc import AsyncIterator

import pytest

from assistants.connector import AssistantsClient
from tests.connector.server import Server


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with Server() as server:
        yield server


@pytest.fixture
async def client(server: Server) -> AsyncIterator[AssistantsClient]:
    """A client that asks once: what a test's server says is what the test gets."""
    async with AssistantsClient(server.url, "sk-very-secret", max_retries=0) as client:
        yield client
