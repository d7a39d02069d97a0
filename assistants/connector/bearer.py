"""What proves to a server who asks: a key, or tokens that somebody hands out as they are needed."""

import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable

import httpx

TokenSource = Callable[[], str | Awaitable[str]]


class Bearer(httpx.Auth):
    """Sends `Authorization: Bearer …`. A callable is asked before every request: keeping tokens is its own affair."""

    def __init__(self, key: str | TokenSource | None) -> None:
        self._source = key if callable(key) else None
        self._token = checked(key) if isinstance(key, str) and key else ""

    @property
    def token(self) -> str:
        """What was sent last, so that it can be kept out of what is said."""
        return self._token

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        if self._source is not None:
            token = self._source()
            self._token = checked(await token if inspect.isawaitable(token) else token)
        if self._token:
            request.headers["Authorization"] = f"Bearer {self._token}"
        yield request


def checked(key: str) -> str:
    """The key, if it can be sent; raises ValueError without showing it."""
    if not key.isascii() or not key.isprintable() or " " in key:
        raise ValueError("The API key has characters that no key has: look for spaces, quotes or line breaks in it.")
    return key
