"""The connection to one server: base URL, credentials, timeouts, and an httpx transport.

It uses the transport directly because httpx's client merges URLs, cookies and hooks for every request, which costs as
much as the request itself.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from assistants.connector.bearer import Bearer
from assistants.connector.multipart import Form
from assistants.contract import Request

# Encodings that httpx can always decode.
_ENCODINGS = "gzip, deflate"


@dataclass(frozen=True, slots=True)
class Ask:
    """One request. `creates` means that sending it twice may create two objects."""

    method: str
    path: str
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Request | Form | None = None
    creates: bool = False
    accept: str = "application/json"
    patient: bool = False

    @property
    def repeatable(self) -> bool:
        return not isinstance(self.body, Form) or self.body.repeatable


class Connection:
    """Builds and sends requests, without retries and without translating errors."""

    def __init__(
        self,
        base_url: str,
        *,
        bearer: Bearer,
        headers: Mapping[str, str],
        params: Mapping[str, str],
        transport: httpx.AsyncBaseTransport,
        timeout: httpx.Timeout,
        stream_timeout: float,
    ) -> None:
        url = checked_url(base_url)
        self.host = url.netloc.decode()
        self.bearer = bearer
        self._base = str(url.copy_with(query=None)).rstrip("/")
        self._params = {**url.params, **params}
        fixed = httpx.Headers({"Host": self.host, "Accept-Encoding": _ENCODINGS, "User-Agent": "threadline"})
        fixed.update(headers)
        self._headers = fixed.raw
        self._transport = transport
        self._timeout = timeout.as_dict()
        self._patience = {**self._timeout, "read": stream_timeout}

    async def send(self, ask: Ask, more: Mapping[str, str], *, stream: bool) -> httpx.Response:
        """Send a request. The body of a stream or of an error response is not read yet."""
        headers = {"Accept": ask.accept, **await self.bearer.headers(), **more}
        content: bytes | Form | None = None
        if isinstance(ask.body, Form):
            headers |= ask.body.headers
            content = ask.body
        elif ask.body is not None:
            headers["Content-Type"] = "application/json"
            content = ask.body.wire_json().encode()
        timeout = self._patience if ask.patient else self._timeout
        said = [*self._headers, *((name.encode(), value.encode()) for name, value in headers.items())]
        url = self._url(ask.query, ask.path)
        request = httpx.Request(ask.method, url, headers=said, content=content, extensions={"timeout": timeout})
        response = await self._transport.handle_async_request(request)
        response.request = request
        if not stream:
            await read(response)
        return response

    async def aclose(self) -> None:
        await self._transport.aclose()

    def _url(self, query: Mapping[str, Any], path: str) -> str:
        said = {**self._params, **{name: value for name, value in query.items() if value is not None}}
        return f"{self._base}/{path}?{httpx.QueryParams(said)}" if said else f"{self._base}/{path}"


async def read(response: httpx.Response) -> None:
    """Read the whole body and release the connection, or close it if it broke."""
    try:
        await response.aread()
    finally:
        await response.aclose()


def checked_url(base_url: str) -> httpx.URL:
    try:
        url = httpx.URL(base_url.strip())
    except httpx.InvalidURL:
        url = httpx.URL()
    if url.scheme not in ("http", "https") or not url.host:
        shown = re.sub(r"//[^/]*@", "//…@", base_url)
        raise ValueError(f"{shown!r} is not the address of an assistants server, which looks like https://host/v1.")
    return url
