"""A stock Bolt app, over Socket Mode or behind a real HTTP server: the judge of what the simulator says."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from typing import Any

import uvicorn
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.adapter.starlette.async_handler import AsyncSlackRequestHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.simulators.slack.client import SlackPeople

SECRET = "the signing secret"


def web_client(simulator: dict[str, Any]) -> AsyncWebClient:
    return AsyncWebClient(token=simulator["bot_token"], base_url=simulator["api"])


def bolt(simulator: dict[str, Any], **more: Any) -> AsyncApp:
    return AsyncApp(client=web_client(simulator), signing_secret=SECRET, process_before_response=True, **more)


@contextlib.asynccontextmanager
async def connected(app: AsyncApp, slack: SlackPeople, simulator: dict[str, Any]) -> AsyncIterator[None]:
    """Runs the app on one socket."""
    handler: Any = AsyncSocketModeHandler(app, simulator["app_token"], ping_interval=0.2)
    before = (await slack.state()).sockets
    await handler.connect_async()
    await slack.until(lambda now: now.sockets == before + 1)
    try:
        yield
    finally:
        await handler.close_async()
        await slack.until(lambda now: now.sockets == before)


@contextlib.asynccontextmanager
async def served(app: AsyncApp) -> AsyncIterator[tuple[str, list[Request]]]:
    """Serves the app at a request URL; gives it and the requests it got."""
    handler = AsyncSlackRequestHandler(app)
    got: list[Request] = []

    async def endpoint(request: Request) -> Response:
        got.append(request)
        return await handler.handle(request)

    routes = Starlette(routes=[Route("/slack/events", endpoint, methods=["POST"])])
    async with serving(routes) as address:
        yield f"{address}/slack/events", got


@contextlib.asynccontextmanager
async def serving(routes: Starlette) -> AsyncIterator[str]:
    """Any ASGI app on a port of its own."""
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(routes, lifespan="off", log_config=None, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve([listening]))
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        await running
        listening.close()
