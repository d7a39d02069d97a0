"""URL, credentials and shared HTTP client for an endpoint."""

from collections.abc import Generator
from functools import lru_cache

import httpx
from httpx_aiohttp import AiohttpTransport, HttpxAiohttpClient

from assistants.service.endpoints import Endpoint
from assistants.service.pieces import ModelError


@lru_cache(64)
def destination(endpoint: Endpoint, path: str) -> tuple[httpx.URL, httpx.Auth | None]:
    """Return an endpoint's URL and credentials: its key, or the user and password in its address.

    Raises `ModelError` for an invalid address.
    """
    try:
        url = httpx.URL(f"{endpoint.base_url.rstrip('/')}/{path}")
    except httpx.InvalidURL:
        raise ModelError("The model's address is not a URL like https://HOST/v1.") from None
    account = httpx.BasicAuth(url.username, url.password) if url.userinfo else None
    return url.copy_with(userinfo=b""), _Bearer(endpoint.api_key) if endpoint.api_key else account


class _Bearer(httpx.Auth):
    def __init__(self, key: str) -> None:
        self._key = key

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["authorization"] = f"Bearer {self._key}"
        yield request


def http_client(patience: httpx.Timeout, transport: httpx.AsyncBaseTransport | None = None) -> httpx.AsyncClient:
    """Return a client without a connection limit; `transport` replaces the network."""
    if transport is not None:
        return httpx.AsyncClient(transport=transport, timeout=patience)
    # Zero means no limit in aiohttp: runs wait for the model, never for each other.
    limits = httpx.Limits(max_connections=0)
    tls = httpx.create_ssl_context()
    # A model on this machine is never behind the environment's proxy.
    direct = AiohttpTransport(limits=limits, verify=tls)
    loopback = ("all://127.0.0.1", "all://localhost", "all://[::1]")
    return HttpxAiohttpClient(timeout=patience, limits=limits, verify=tls, mounts=dict.fromkeys(loopback, direct))
