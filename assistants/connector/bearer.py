"""Authentication: a fixed API key, or a callable that supplies tokens."""

import inspect
from collections.abc import Awaitable, Callable, Mapping

TokenSource = Callable[[], str | Awaitable[str]]


class Bearer:
    """The value of `Authorization`. A callable is called before every request and does its own caching."""

    def __init__(self, key: str | TokenSource | None) -> None:
        self._source = key if callable(key) else None
        self.token = ""
        self._headers: Mapping[str, str] = {}
        if isinstance(key, str) and key:
            self._take(key)

    async def headers(self) -> Mapping[str, str]:
        if self._source is not None:
            token = self._source()
            self._take(await token if inspect.isawaitable(token) else token)
        return self._headers

    def _take(self, token: str) -> None:
        # The last token sent is kept, so that it can be removed from error messages.
        self.token = checked(token)
        self._headers = {"Authorization": f"Bearer {token}"}


def checked(key: str) -> str:
    """Return the key if it is a valid header value. Raises ValueError without showing it."""
    if not key.isascii() or not key.isprintable() or " " in key:
        raise ValueError("The API key has characters that no key has: look for spaces, quotes or line breaks in it.")
    return key
