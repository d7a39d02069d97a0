"""How an endpoint is reached: its address, its key, the HTTP client that all requests share."""

from collections.abc import Generator

import httpx
from httpx_aiohttp import AiohttpTransport, HttpxAiohttpClient

from assistants.service.endpoints import Endpoint
from assistants.service.pieces import ModelError


def address_of(endpoint: Endpoint, path: str) -> httpx.URL:
    """Raises `ModelError` for an address that is none."""
    try:
        return httpx.URL(f"{endpoint.base_url.rstrip('/')}/{path}")
    except httpx.InvalidURL:
        raise ModelError("The model's address cannot be read; give it like https://HOST/v1.") from None


def auth_of(endpoint: Endpoint, address: httpx.URL) -> httpx.Auth | None:
    """The endpoint's key, or what its address itself says."""
    if endpoint.api_key:
        return _Bearer(endpoint.api_key)
    return httpx.BasicAuth(address.username, address.password) if address.userinfo else None


class _Bearer(httpx.Auth):
    def __init__(self, key: str) -> None:
        self._key = key

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["authorization"] = f"Bearer {self._key}"
        yield request


def http_client(patience: httpx.Timeout, transport: httpx.AsyncBaseTransport | None = None) -> httpx.AsyncClient:
    """A client with room for every run at once; `transport` takes the place of the network."""
    if transport is not None:
        return httpx.AsyncClient(transport=transport, timeout=patience)
    # Zero is aiohttp's "no limit": runs wait for the model, never for each other.
    limits = httpx.Limits(max_connections=0)
    tls = httpx.create_ssl_context()
    # Whatever proxy the environment names, a model on this machine is not behind it.
    direct = AiohttpTransport(limits=limits, verify=tls)
    loopback = ("all://127.0.0.1", "all://localhost", "all://[::1]")
    return HttpxAiohttpClient(timeout=patience, limits=limits, verify=tls, mounts=dict.fromkeys(loopback, direct))
