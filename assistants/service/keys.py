"""API keys, from the settings and the database, each with a project, a scope and a rate limit."""

import time
from collections.abc import Iterable
from dataclasses import dataclass

from storage import keys
from storage.database import Reader
from storage.objects import DEFAULT_PROJECT

# Seconds after which a revoked key stops working, and after which the first key closes the API to anonymous callers.
TRUSTED_SECONDS = 2.0
MOST_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Key:
    """An API key without its secret. `rate` is its own limit of requests per minute, None for the default."""

    id: str
    project: str = DEFAULT_PROJECT
    scope: keys.Scope = "all"
    rate: int | None = None


class Keys:
    """The keys that grant access to the API."""

    def __init__(self, db: Reader, settings: Iterable[str] = ()) -> None:
        self._db = db
        self._settings = {keys.hash_of(secret): Key(f"setting_{keys.hash_of(secret)[:8]}") for secret in settings}
        self._known: dict[str, tuple[float, Key]] = {}
        self._any: tuple[float, bool] = (0.0, False)

    async def of(self, secret: str) -> Key | None:
        """Return the key with this secret."""
        hash_ = keys.hash_of(secret)
        if hash_ in self._settings:
            return self._settings[hash_]
        until, key = self._known.get(hash_, (0.0, None))
        if until > time.monotonic():
            return key
        row = await keys.by_hash(self._db, hash_)
        if row is None:
            self._known.pop(hash_, None)
            return None
        if len(self._known) >= MOST_REMEMBERED:
            self._known.clear()
        key = Key(row["id"], row["project"], row["scope"], row["rate"])
        self._known[hash_] = time.monotonic() + TRUSTED_SECONDS, key
        return key

    async def any(self) -> bool:
        """Return whether any key exists."""
        if self._settings:
            return True
        until, any_ = self._any
        if until <= time.monotonic():
            any_ = await keys.any_valid(self._db)
            self._any = time.monotonic() + TRUSTED_SECONDS, any_
        return any_
