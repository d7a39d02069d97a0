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
    async with AssistantsClient(server.url, api_key="sk-very-secret") as client:
        yield client
