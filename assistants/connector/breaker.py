"""A circuit breaker: stops requests to a failing server, then probes it with one request."""

import contextlib
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator

import httpx

from assistants.connector.errors import (
    AssistantsError,
    CircuitOpenError,
    ConnectError,
    DisconnectedError,
    RequestTimeoutError,
    ServerError,
)

_FAILURES = (ConnectError, DisconnectedError, RequestTimeoutError, ServerError)


class CircuitBreaker:
    """Opens when a share of `failures` of at least `least` requests within `window` seconds failed.

    While open, every request raises `CircuitOpenError` at once. After `reset` seconds one trial request is allowed: its
    success closes the circuit, its failure opens it again. A request whose body breaks off counts as failed. One
    breaker may be shared by several clients of one server.
    """

    def __init__(
        self,
        *,
        failures: float = 0.5,
        least: int = 10,
        window: float = 30.0,
        reset: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not 0 < failures <= 1 or least < 1 or window <= 0 or reset <= 0:
            raise ValueError("A circuit breaker needs 0 < failures <= 1, least >= 1, and positive seconds.")
        self._share = failures
        self._least = least
        self._window = window
        self._reset = reset
        self._clock = clock
        self._seen: deque[tuple[float, bool]] = deque()
        self._opened: float | None = None
        self._trying = False

    @property
    def is_open(self) -> bool:
        """Return whether the next request would be refused."""
        return self._left() > 0 or self._trying

    @contextlib.contextmanager
    def guard(self, host: str, *, watched: bool = False) -> Iterator[None]:
        """Wrap one request: refuse it or record its outcome; a `watched` success is recorded when its body ends."""
        if self.is_open:
            raise self._refusal(host)
        trial = self._trying = self._opened is not None
        failed = None  # a request that was cancelled says nothing about the server
        try:
            yield
            # A trial is decided before its body ends, because other requests wait for the result.
            failed = False if trial or not watched else None
        except AssistantsError as error:
            failed = isinstance(error, _FAILURES)
            raise
        finally:
            self._trying = self._trying and not trial
            if failed is not None:
                self._learn(failed, trial=trial)

    def watch(self, body: httpx.AsyncByteStream) -> httpx.AsyncByteStream:
        """Yield the body and record whether it completes; a reader that stops early does not count as a failure."""
        return _Watched(body, self._learn)

    def _left(self) -> float:
        return 0.0 if self._opened is None else self._opened + self._reset - self._clock()

    def _refusal(self, host: str) -> CircuitOpenError:
        seconds = max(self._left(), 0.0)
        error = CircuitOpenError(f"{host} has failed too often lately; it is asked again in {seconds:.0f} seconds.")
        error.retry_after = seconds
        return error

    def _learn(self, failed: bool, *, trial: bool = False) -> None:
        now = self._clock()
        if trial:
            self._seen.clear()
            self._opened = now if failed else None
            return
        self._seen.append((now, failed))
        while self._seen[0][0] < now - self._window:
            self._seen.popleft()
        bad = sum(failed for _, failed in self._seen)
        if self._opened is None and len(self._seen) >= self._least and bad >= self._share * len(self._seen):
            self._opened = now


class _Watched(httpx.AsyncByteStream):
    def __init__(self, body: httpx.AsyncByteStream, learn: Callable[[bool], None]) -> None:
        self._body = body
        self._learn = learn
        self._is_known = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._body:
                yield chunk
        except httpx.RequestError:
            self._tell(failed=True)
            raise

    async def aclose(self) -> None:
        self._tell(failed=False)
        await self._body.aclose()

    def _tell(self, *, failed: bool) -> None:
        if not self._is_known:
            self._is_known = True
            self._learn(failed)
