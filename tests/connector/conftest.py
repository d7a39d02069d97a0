import socket
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


@pytest.fixture
async def unused() -> AsyncIterator[str]:
    """An address where nothing listens, kept from others because it is bound."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        host, port = holder.getsockname()
        yield f"{host}:{port}"
