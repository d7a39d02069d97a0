"""The client of an assistants server: one connection pool, one key, and the API's resources as attributes."""

import ssl
from collections.abc import Mapping
from types import TracebackType
from typing import Self

import httpx

from assistants.connector.assistants import Assistants
from assistants.connector.bearer import Bearer, TokenSource
from assistants.connector.breaker import CircuitBreaker
from assistants.connector.connection import Connection
from assistants.connector.exchange import Exchange
from assistants.connector.files import Files
from assistants.connector.models import Models
from assistants.connector.retries import Retries
from assistants.connector.threads import Threads
from assistants.connector.transport import LIMITS, default_transport
from assistants.connector.uploads import Uploads
from assistants.connector.vector_stores import VectorStores
from assistants.contract import BETA, BETA_HEADER

TIMEOUT = httpx.Timeout(60, connect=5)
STREAM_SILENCE = 600.0
RETRIES = 2
# Headers that may carry credentials, under any name that servers use.
_SECRET = frozenset({"authorization", "api-key", "x-api-key", "ocp-apim-subscription-key", "proxy-authorization"})


class AssistantsClient:
    """A client for any Assistants API v2 server: `async with AssistantsClient("http://…/v1") as client: …`

    `api_key` is a key, or a callable that returns a token for each request (Entra); `api_version` is Azure's. `timeout`
    applies to each network operation; `stream_timeout` is the longest silence of a stream, in seconds. `verify`,
    `proxy` and `limits` are httpx's and do not apply to a custom `transport`.

    Transient failures are retried `max_retries` times. A request that creates something is retried only if nothing can
    have been created, or if `honours_idempotency_keys` says that the server detects a repetition.

    A client belongs to the event loop of its first use. Its creator closes it.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str | TokenSource | None = None,
        *,
        api_version: str | None = None,
        headers: Mapping[str, str] | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        verify: ssl.SSLContext | bool = True,
        proxy: str | httpx.URL | httpx.Proxy | None = None,
        limits: httpx.Limits = LIMITS,
        timeout: float | httpx.Timeout = TIMEOUT,
        stream_timeout: float = STREAM_SILENCE,
        max_retries: int = RETRIES,
        honours_idempotency_keys: bool = False,
        circuit_breaker: CircuitBreaker | None = None,
    ) -> None:
        if transport is not None and not (verify is True and proxy is None and limits is LIMITS):
            raise ValueError("verify, proxy and limits are options of the transport: give them to yours.")
        extra = _checked_headers(headers or {})
        self._connection = Connection(
            base_url,
            bearer=Bearer(api_key),
            headers={**extra, BETA_HEADER: BETA},
            params={"api-version": api_version} if api_version else {},
            transport=transport or default_transport(verify=verify, proxy=proxy, limits=limits),
            timeout=httpx.Timeout(timeout),
            stream_timeout=stream_timeout,
        )
        exchange = Exchange(
            self._connection,
            secrets=(value for name, value in extra.items() if name.lower() in _SECRET),
            retries=Retries(max_retries, keys=honours_idempotency_keys),
            breaker=circuit_breaker,
        )
        self.assistants = Assistants(exchange)
        self.threads = Threads(exchange)
        self.files = Files(exchange)
        self.uploads = Uploads(exchange)
        self.vector_stores = VectorStores(exchange)
        self.models = Models(exchange)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close every connection."""
        await self._connection.aclose()


def _checked_headers(headers: Mapping[str, str]) -> dict[str, str]:
    if any(name.lower() == BETA_HEADER.lower() for name in headers):
        raise ValueError(f"{BETA_HEADER} is sent by the client itself: leave it out.")
    return dict(headers)
