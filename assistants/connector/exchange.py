"""Sends requests and returns contract models or raises this package's errors."""

import contextlib
import itertools
import uuid
from asyncio import sleep
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from typing import Any, TypeVar
from urllib.parse import quote

import httpx
from pydantic import ValidationError

from assistants.connector import errors, lenient, refusals
from assistants.connector.breaker import CircuitBreaker
from assistants.connector.connection import Ask, Connection, read
from assistants.connector.multipart import Form
from assistants.connector.retries import Retries, is_ambiguous
from assistants.contract import Request, Wire, from_validation, missing_parameter

W = TypeVar("W", bound=Wire)
R = TypeVar("R", bound=Request)

IDEMPOTENCY_KEY = "Idempotency-Key"


def path(*steps: str, **ids: str) -> str:
    """`path("threads", "{thread_id}", thread_id=…)`: ids are quoted, and invalid ones refused."""
    for name, id_ in ids.items():
        # An empty id, or one made of dots, would address a different resource.
        if not id_.strip("."):
            raise refusals.refused(missing_parameter(name))
    quoted = {name: quote(id_, safe="") for name, id_ in ids.items()}
    return "/".join(step.format_map(quoted) for step in steps)


def body(model: type[R], fields: Mapping[str, Any]) -> R:
    """Build a request body. What the contract forbids is refused here, in the server's words."""
    plain = {name: list(value) if isinstance(value, tuple) else value for name, value in fields.items()}
    try:
        return model.model_validate(plain)
    except ValidationError as error:
        raise refusals.refused(from_validation(error, plain)) from None


class Exchange:
    """The path of every request of the client, including retries."""

    def __init__(
        self,
        connection: Connection,
        *,
        secrets: Iterable[str],
        retries: Retries,
        breaker: CircuitBreaker | None,
    ) -> None:
        self._connection = connection
        self._secrets = list(secrets)
        self._retries = retries
        self._breaker = breaker
        self.host = connection.host

    async def get(self, model: type[W], path: str, query: Mapping[str, Any] | None = None) -> W:
        return self.read(model, await self.send("GET", path, query=query))

    async def post(self, model: type[W], path: str, body: Request | Form | None = None) -> W:
        """Send an idempotent request."""
        return self.read(model, await self.send("POST", path, body=body))

    async def create(
        self,
        model: type[W],
        path: str,
        body: Request | Form | None = None,
        query: Mapping[str, Any] | None = None,
    ) -> W:
        """Send a request that must not be done twice. Raises `OutcomeUnknown` if it may or may not have been done."""
        return self.read(model, await self.send("POST", path, query=query, body=body, creates=True))

    async def delete(self, model: type[W], path: str) -> W:
        return self.read(model, await self.send("DELETE", path))

    async def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Request | Form | None = None,
        creates: bool = False,
    ) -> httpx.Response:
        """Return the complete response of a successful request."""
        return await self._ask(Ask(method, path, query or {}, body, creates=creates), stream=False)

    @contextlib.asynccontextmanager
    async def stream(self, ask: Ask) -> AsyncIterator[httpx.Response]:
        """Yield a successful response whose body is still to be read. Leaving the context closes the connection."""
        response = await self._ask(ask, stream=True)
        if self._breaker is not None and isinstance(response.stream, httpx.AsyncByteStream):
            response.stream = self._breaker.watch(response.stream)
        try:
            yield response
        finally:
            with contextlib.suppress(httpx.RequestError):  # nothing is wanted from it any more
                await response.aclose()

    def read(self, model: type[W], response: httpx.Response) -> W:
        try:
            return lenient.read(model, response.content)
        except ValueError:
            raise self.safe(refusals.not_spoken(response, host=self.host)) from None

    def safe(self, error: errors.AssistantsError) -> errors.AssistantsError:
        """Return the error with secrets removed, even those the server echoed."""
        for secret in filter(None, (self._connection.bearer.token, *self._secrets)):
            error.args = tuple(str(part).replace(secret, "…") for part in error.args)
        return error

    @contextlib.contextmanager
    def errors(self) -> Iterator[None]:
        """Translate transport errors into this package's errors."""
        try:
            yield
        except httpx.RequestError as error:
            raise self.safe(refusals.from_transport(error, host=self.host)) from error

    async def _ask(self, ask: Ask, *, stream: bool) -> httpx.Response:
        key, doubtful = str(uuid.uuid4()) if ask.creates else "", False
        for attempt in itertools.count():
            try:
                with self._breaker.guard(self.host, watched=stream) if self._breaker else contextlib.nullcontext():
                    return await self._once(ask, {IDEMPOTENCY_KEY: key} if key else {}, stream=stream)
            except errors.AssistantsError as error:
                doubtful = ask.creates and (doubtful or is_ambiguous(error))
                pause = self._retries.pause(error, attempt=attempt, creates=ask.creates) if ask.repeatable else None
                if pause is None and doubtful:
                    raise errors.OutcomeUnknown(error, key=key) from error
                if pause is None:
                    raise
                await sleep(pause)
        raise AssertionError("counting has no end")

    async def _once(self, ask: Ask, headers: Mapping[str, str], *, stream: bool) -> httpx.Response:
        with self.errors():
            response = await self._connection.send(ask, headers, stream=stream)
            if response.is_success:
                return response
            if stream:
                await read(response)
        raise self.safe(refusals.from_response(response, host=self.host))
