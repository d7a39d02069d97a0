"""Who may call: keys of the settings and keys of the store, each with its project, its scope and its rate."""

import time
from collections.abc import Iterable
from dataclasses import dataclass

from storage import keys
from storage.database import Reader
from storage.objects import DEFAULT_PROJECT

# A key that was revoked opens nothing after this many seconds, and the first key there is closes the API to others.
TRUSTED_SECONDS = 2.0
MOST_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Key:
    """A key as far as it is known: never the key itself. `rate` is its own requests a minute, None for the usual."""

    id: str
    project: str = DEFAULT_PROJECT
    scope: keys.Scope = "all"
    rate: int | None = None


class Keys:
    """The keys that open the API."""

    def __init__(self, db: Reader, settings: Iterable[str] = ()) -> None:
        self._db = db
        self._settings = {keys.hash_of(secret): Key(f"setting_{keys.hash_of(secret)[:8]}") for secret in settings}
        self._known: dict[str, tuple[float, Key]] = {}
        self._any: tuple[float, bool] = (0.0, False)

    async def of(self, secret: str) -> Key | None:
        """The key that this secret is."""
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
        """Whether there is a key at all."""
        if self._settings:
            return True
        until, any_ = self._any
        if until <= time.monotonic():
            any_ = await keys.any_valid(self._db)
            self._any = time.monotonic() + TRUSTED_SECONDS, any_
        return any_
