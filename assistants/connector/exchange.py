"""One request and its answer: paths, headers, bodies in; a model of the contract or an error of the tree out."""

import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, TypeVar
from urllib.parse import quote

import httpx
from pydantic import ValidationError

from assistants.connector import errors, lenient
from assistants.contract import Request, Wire, from_validation, missing_parameter

W = TypeVar("W", bound=Wire)
R = TypeVar("R", bound=Request)


def path(*steps: str, **ids: str) -> str:
    """`path("threads", "{thread_id}", thread_id=…)`: ids are quoted, and refused when they name nothing."""
    for name, id_ in ids.items():
        # An empty id, or one made of dots, would ask for another resource altogether.
        if not id_.strip("."):
            raise errors.refused(missing_parameter(name))
    quoted = {name: quote(id_, safe="") for name, id_ in ids.items()}
    return "/".join(step.format_map(quoted) for step in steps)


def body(model: type[R], fields: Mapping[str, Any]) -> R:
    """The request these fields make; what the contract forbids is refused here, in the server's words."""
    plain = {name: list(value) if isinstance(value, tuple) else value for name, value in fields.items()}
    try:
        return model.model_validate(plain)
    except ValidationError as error:
        raise errors.refused(from_validation(error, plain)) from None


class Exchange:
    """The client's wire: everything that is asked goes through here, nothing is asked twice."""

    def __init__(self, http: httpx.AsyncClient, *, secret: str | None, stream_timeout: httpx.Timeout) -> None:
        self._http = http
        self._secret = secret
        self._stream_timeout = stream_timeout
        self.host = http.base_url.netloc.decode()

    async def get(self, model: type[W], path: str, query: Mapping[str, Any] | None = None) -> W:
        return self.read(model, await self.send("GET", path, query=query))

    async def post(self, model: type[W], path: str, body: Request | None = None) -> W:
        return self.read(model, await self.send("POST", path, body=body))

    async def delete(self, model: type[W], path: str) -> W:
        return self.read(model, await self.send("DELETE", path))

    async def send(
        self, method: str, path: str, *, query: Mapping[str, Any] | None = None, body: Request | None = None
    ) -> httpx.Response:
        """The whole answer of a request that succeeded."""
        request = self._request(method, path, query, body)
        with self.errors():
            response = await self._http.send(request)
        return self._succeeded(response)

    @contextlib.asynccontextmanager
    async def stream(self, path: str, body: Request) -> AsyncIterator[httpx.Response]:
        """The answer of a POST that succeeded, its body still to come; leaving closes the connection."""
        request = self._request("POST", path, None, body, timeout=self._stream_timeout, accept="text/event-stream")
        with self.errors():
            response = await self._http.send(request, stream=True)
        try:
            if not response.is_success:
                with self.errors():
                    await response.aread()
                self._succeeded(response)
            yield response
        finally:
            with contextlib.suppress(httpx.RequestError):  # nothing is wanted from it any more
                await response.aclose()

    def read(self, model: type[W], response: httpx.Response) -> W:
        try:
            return lenient.read(model, response.content)
        except ValueError:
            raise self.safe(errors.not_spoken(response, host=self.host)) from None

    def safe(self, error: errors.AssistantsError) -> errors.AssistantsError:
        """The error without the key, whoever repeated it."""
        if self._secret:
            error.args = tuple(str(part).replace(self._secret, "…") for part in error.args)
        return error

    def _request(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None,
        body: Request | None,
        *,
        timeout: httpx.Timeout | None = None,
        accept: str = "application/json",
    ) -> httpx.Request:
        headers = {"Accept": accept}
        if body is not None:
            headers["Content-Type"] = "application/json"
        return self._http.build_request(
            method,
            path,
            params={name: value for name, value in (query or {}).items() if value is not None},
            content=None if body is None else body.wire_json(),
            headers=headers,
            timeout=timeout or self._http.timeout,
        )

    def _succeeded(self, response: httpx.Response) -> httpx.Response:
        if response.is_success:
            return response
        raise self.safe(errors.from_response(response, host=self.host))

    @contextlib.contextmanager
    def errors(self) -> Iterator[None]:
        """What goes wrong on the way, as errors of the tree."""
        try:
            yield
        except httpx.RequestError as error:
            raise self.safe(errors.from_transport(error, host=self.host)) from error
