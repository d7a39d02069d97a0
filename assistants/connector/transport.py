"""The HTTP transport: httpx's interface on aiohttp's connections.

With a hundred concurrent streams httpx's own pool is ten times slower.
"""

import base64
import contextlib
import ssl
from collections.abc import AsyncIterator, Iterator

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

# Shorter than the five seconds after which common servers close an idle connection: a POST sent while the server
# closes is lost, and cannot be retried safely.
_KEEP_ALIVE = 3.0
_CONNECTIONS = 1000

# The bridge reports a connection lost during a request as a connect timeout; callers must know the difference.
_MEANING: tuple[tuple[type[Exception], type[httpx.RequestError]], ...] = (
    (aiohttp.ConnectionTimeoutError, httpx.ConnectTimeout),
    (aiohttp.ServerTimeoutError, httpx.ReadTimeout),
    (aiohttp.ClientProxyConnectionError, httpx.ProxyError),
    (aiohttp.ClientHttpProxyError, httpx.ProxyError),
    (aiohttp.ClientConnectorError, httpx.ConnectError),
    (aiohttp.ServerFingerprintMismatch, httpx.ConnectError),
    (aiohttp.ClientConnectionError, httpx.ReadError),
    (aiohttp.ClientPayloadError, httpx.ReadError),
    (aiohttp.InvalidURL, httpx.UnsupportedProtocol),
    (aiohttp.ClientError, httpx.DecodingError),
)


LIMITS = httpx.Limits(max_connections=_CONNECTIONS, keepalive_expiry=_KEEP_ALIVE)


def default_transport(
    *,
    verify: ssl.SSLContext | bool = True,
    proxy: str | httpx.URL | httpx.Proxy | None = None,
    limits: httpx.Limits = LIMITS,
) -> httpx.AsyncBaseTransport:
    """Return the default transport. It keeps no cookies and ignores the environment."""
    through = httpx.Proxy(proxy) if isinstance(proxy, str | httpx.URL) else proxy
    if through is not None and through.url.scheme not in ("http", "https"):
        raise ValueError(f"A {through.url.scheme} proxy needs a transport of its own: give one that speaks it.")
    return _Transport(verify=verify, proxy=through and _known_to(through), limits=limits, trust_env=False)


def _known_to(proxy: httpx.Proxy) -> httpx.Proxy:
    """Return the proxy with its password in a header; the bridge would use a deprecated argument of aiohttp."""
    if proxy.auth is None:
        return proxy
    credentials = base64.b64encode(":".join(proxy.auth).encode()).decode()
    return httpx.Proxy(proxy.url, headers={**proxy.headers, "Authorization": f"Basic {credentials}"})


class _Transport(AiohttpTransport):
    def get_client(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            ssl=self.ssl_context,
            limit=self.limits.max_connections or 0,
            keepalive_timeout=self.limits.keepalive_expiry,
        )
        return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        with _said_right():
            response = await super().handle_async_request(request)
        assert isinstance(response.stream, httpx.AsyncByteStream)  # noqa: S101 - the bridge makes no other
        response.stream = _Stream(response.stream)
        return response


class _Stream(httpx.AsyncByteStream):
    def __init__(self, stream: httpx.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _said_right():
            async for chunk in self._stream:
                yield chunk

    async def aclose(self) -> None:
        with _said_right():
            await self._stream.aclose()


@contextlib.contextmanager
def _said_right() -> Iterator[None]:
    try:
        yield
    except (httpx.TransportError, aiohttp.ClientError) as error:
        cause = error if isinstance(error, aiohttp.ClientError) else error.__cause__
        meaning = next((meaning for kind, meaning in _MEANING if isinstance(cause, kind)), None)
        if meaning is None:
            raise
        raise meaning(str(cause)) from cause
