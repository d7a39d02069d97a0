"""A scripted model, a store in a file, and servers on loopback ports the system picks."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from openai import AsyncOpenAI
from starlette.types import ASGIApp

from assistants.contract import BETA, BETA_HEADER
from assistants.service.app import Service, create_service
from assistants.service.asgi_transport import LocalTransport
from assistants.service.chat import ChatCompletions
from assistants.service.endpoints import Endpoint
from assistants.service.models import Models
from assistants.service.scripted import ScriptedModel
from storage.database import Database
from storage.sqlite import SQLiteDatabase

Serve = Callable[[ASGIApp], AbstractAsyncContextManager[str]]


@asynccontextmanager
async def _served(app: ASGIApp) -> AsyncIterator[str]:
    config = uvicorn.Config(app, host="127.0.0.1", port=0, lifespan="off", log_level="critical", access_log=False)
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.force_exit = True  # a test that fails leaves streams open; nobody will end them
        await server.shutdown()
        await asyncio.sleep(0)


@pytest.fixture
def serve() -> Serve:
    """Serves an ASGI app on a real socket while its context is open; gives the address."""
    return _served


@pytest.fixture
def script() -> ScriptedModel:
    return ScriptedModel()


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = SQLiteDatabase.open(tmp_path / "service.db")
    yield database
    await database.close()


@pytest.fixture
async def service(database: Database, script: ScriptedModel) -> AsyncIterator[Service]:
    models = Models()
    endpoint = Endpoint("http://model.test/v1", "sk-secret", "scripted")
    models.connect(ChatCompletions(endpoint, transport=LocalTransport(script.app), back_off=0))
    service = create_service(database, models)
    await service.start()
    yield service
    await service.stop()


@asynccontextmanager
async def _reached(service: Service, way: str) -> AsyncIterator[httpx.AsyncClient]:
    headers = {BETA_HEADER: BETA}
    if way == "in-process":
        local = LocalTransport(service.app)
        async with httpx.AsyncClient(transport=local, base_url="http://local/v1", headers=headers) as client:
            yield client
        return
    async with (
        _served(service.app) as address,
        httpx.AsyncClient(base_url=f"{address}/v1", headers=headers, trust_env=False) as client,
    ):
        yield client


@pytest.fixture(params=["in-process", "tcp"])
async def http(service: Service, request: pytest.FixtureRequest) -> AsyncIterator[httpx.AsyncClient]:
    """The service, reached in this process and over TCP."""
    async with _reached(service, request.param) as client:
        yield client


@pytest.fixture
async def tcp(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    """The service over TCP alone, where the way there cannot matter."""
    async with _reached(service, "tcp") as client:
        yield client


@pytest.fixture
def client(http: httpx.AsyncClient) -> AsyncOpenAI:
    """A stock SDK on the service."""
    legacy: Any = http
    return AsyncOpenAI(base_url=str(http.base_url), api_key="any", http_client=legacy, max_retries=0)


@pytest.fixture
def stock(tcp: httpx.AsyncClient) -> AsyncOpenAI:
    """A stock SDK on the service over TCP."""
    legacy: Any = tcp
    return AsyncOpenAI(base_url=str(tcp.base_url), api_key="any", http_client=legacy, max_retries=0)
