"""The client of an assistants server: one connection pool, one key, the API's resources as groups."""

import re
from types import TracebackType
from typing import Self

import httpx

from assistants.connector.assistants import Assistants
from assistants.connector.exchange import Exchange
from assistants.connector.models import Models
from assistants.connector.threads import Threads
from assistants.connector.transport import default_transport
from assistants.contract import BETA, BETA_HEADER

TIMEOUT = httpx.Timeout(60, connect=5)
STREAM_SILENCE = 600.0


class AssistantsClient:
    """Asks any server that speaks the Assistants API v2: `async with AssistantsClient("http://…/v1") as client: …`

    `timeout` is for each wait on the network; `stream_timeout` is how many seconds a stream may be silent. Nothing is
    retried. A client belongs to the event loop it was first used in, and is closed by whoever made it.
    """

    def __init__(
        self,
        base_url: str,
        *,
        api_key: str | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        timeout: float | httpx.Timeout = TIMEOUT,
        stream_timeout: float = STREAM_SILENCE,
    ) -> None:
        patience = httpx.Timeout(timeout)
        self._http = httpx.AsyncClient(
            base_url=_checked_url(base_url),
            headers={BETA_HEADER: BETA, "User-Agent": "threadline", **_authorization(api_key)},
            transport=transport or default_transport(),
            timeout=patience,
            trust_env=False,
        )
        silence = httpx.Timeout(connect=patience.connect, read=stream_timeout, write=patience.write, pool=patience.pool)
        exchange = Exchange(self._http, secret=api_key, stream_timeout=silence)
        self.assistants = Assistants(exchange)
        self.threads = Threads(exchange)
        self.models = Models(exchange)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close every connection."""
        await self._http.aclose()


def _checked_url(base_url: str) -> httpx.URL:
    try:
        url = httpx.URL(base_url.strip())
    except httpx.InvalidURL:
        url = httpx.URL()
    if url.scheme not in ("http", "https") or not url.host:
        shown = re.sub(r"//[^/]*@", "//…@", base_url)
        raise ValueError(f"{shown!r} is not the address of an assistants server, which looks like https://host/v1.")
    return url


def _authorization(api_key: str | None) -> dict[str, str]:
    if not api_key:
        return {}
    if not api_key.isascii() or not api_key.isprintable() or " " in api_key:
        raise ValueError("The API key has characters that no key has: look for spaces, quotes or line breaks in it.")
    return {"Authorization": f"Bearer {api_key}"}
