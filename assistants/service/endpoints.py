"""Finds model endpoints on this machine and verifies them with a live request."""

import asyncio
import hashlib
import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

import httpx

from assistants.service import complaints
from assistants.service.addresses import addresses, on_loopback, place
from assistants.service.discovery import PORTS, Found, discover, list_models, read

__all__ = ["PORTS", "Endpoint", "EndpointError", "Found", "discover", "try_endpoint"]

TRY_SECONDS = 10.0
LIST_SECONDS = 3.0
ANY_MODEL = "any"

_QUESTION = [{"role": "user", "content": "Reply with the one word OK."}]
# A shorter key is no secret ("none", "ollama"), and hiding it would blot out ordinary words.
_SHORTEST_SECRET = 8


class EndpointError(Exception):
    """No model can answer; the text is a sentence for people and never contains a key."""


class _WrongPlaceError(EndpointError):
    """The server does not speak Chat Completions."""


class _KeyError(EndpointError):
    """The server refused the key."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A model's endpoint; `base_url` ends before `/chat/completions`, and an empty key is not sent."""

    base_url: str
    api_key: str = field(repr=False)
    model: str

    @property
    def name(self) -> str:
        """Tells it from others, without the user or key that an address may hold."""
        return f"{self.model} {hashlib.sha256(self.base_url.encode()).hexdigest()[:16]}"


async def try_endpoint(endpoint: Endpoint, *, seconds: float = TRY_SECONDS) -> Endpoint:
    """The endpoint that answered a real streamed completion: its address mended, its only model filled in.

    Raises `EndpointError`. An address without a version is tried as it is and with `/v1`.
    """
    key, model = endpoint.api_key.strip(), endpoint.model.strip()
    try:
        base_urls = addresses(endpoint.base_url)
    except ValueError as error:
        raise EndpointError(str(error)) from None
    candidates = [Endpoint(base_url, key, model) for base_url in base_urls]
    try:
        async with asyncio.timeout(seconds):
            return await _first_that_works(candidates)
    except TimeoutError:
        sentence = complaints.late(base_urls[0], seconds)
    except EndpointError as error:
        sentence = str(error)
    raise EndpointError(sentence.replace(key, "…") if len(key) >= _SHORTEST_SECRET else sentence)


async def _first_that_works(candidates: list[Endpoint]) -> Endpoint:
    failures: list[EndpointError] = []
    first = candidates[0]
    proxied = not on_loopback(first.base_url)
    async with httpx.AsyncClient(headers=_headers(first.api_key), timeout=None, trust_env=proxied) as client:  # noqa: S113 - the caller's clock runs
        for endpoint in candidates:
            try:
                return await _try(client, endpoint)
            except (_WrongPlaceError, _KeyError) as error:
                failures.append(error)
    # Some gateways refuse every key at a path they do not know: what the second path says of the key counts, too.
    raise next((error for error in failures if isinstance(error, _KeyError)), failures[0])


def _headers(key: str) -> dict[str, str]:
    if not (key.isascii() and key.isprintable()):
        raise EndpointError("The key holds characters that no key has; copy it again and paste it whole.")
    return {"Authorization": f"Bearer {key}"} if key else {}


async def _try(client: httpx.AsyncClient, endpoint: Endpoint) -> Endpoint:
    if not endpoint.model:
        return await _try_nameless(client, endpoint)
    body = {"model": endpoint.model, "messages": _QUESTION, "stream": True, "stream_options": {"include_usage": True}}
    try:
        async with client.stream("POST", f"{endpoint.base_url}/chat/completions", json=body) as response:
            if response.status_code != 200:
                await _explain(client, endpoint, response)
            await _expect_words(endpoint, response)
    # A host that no name server could be asked for is a UnicodeError.
    except (httpx.HTTPError, UnicodeError) as error:
        raise EndpointError(complaints.unreachable(endpoint.base_url, error)) from None
    return endpoint


async def _try_nameless(client: httpx.AsyncClient, endpoint: Endpoint) -> Endpoint:
    """Use the only listed chat model. If none is listed, a request for any name reveals other problems."""
    names = await list_models(client, endpoint.base_url, seconds=LIST_SECONDS)
    if len(names) == 1:
        return await _try(client, replace(endpoint, model=names[0]))
    if names:
        raise EndpointError(f"Name the model: {place(endpoint.base_url)} has {complaints.choice(names)}.")
    await _try(client, replace(endpoint, model=ANY_MODEL))
    raise EndpointError(_name_it(endpoint))


def _name_it(endpoint: Endpoint) -> str:
    return f"Name the model: {place(endpoint.base_url)} does not list those it has."


async def _expect_words(endpoint: Endpoint, response: httpx.Response) -> None:
    """Read the stream up to its first word; closing it then makes the server stop."""
    if not response.headers.get("content-type", "").startswith("text/event-stream"):
        raise _WrongPlaceError(complaints.no_endpoint(endpoint.base_url, "what it sends is no stream of events"))
    async for chunk in _chunks(response):
        if chunk.get("error"):
            raise EndpointError(complaints.refused(endpoint.base_url, response.status_code, complaints.words(chunk)))
        choices = chunk.get("choices")
        if not isinstance(choices, list):
            raise _WrongPlaceError(complaints.no_endpoint(endpoint.base_url, "its events are no completion chunks"))
        if any(_says_something(choice) for choice in choices):
            return
    raise EndpointError(f"{place(endpoint.base_url)} ended its answer before the first word; try another model.")


async def _chunks(response: httpx.Response) -> AsyncIterator[dict[str, Any]]:
    async for line in response.aiter_lines():
        data = line.removeprefix("data:").strip()
        if line.startswith("data:") and data != "[DONE]":
            yield _json_object(data)


def _json_object(text: str | bytes) -> dict[str, Any]:
    """Return the JSON object, or an empty one for anything else."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _says_something(choice: object) -> bool:
    if not isinstance(choice, dict):
        return False
    delta = choice.get("delta")
    spoken = isinstance(delta, dict) and any(value for name, value in delta.items() if name != "role")
    return spoken or bool(choice.get("finish_reason"))


async def _explain(client: httpx.AsyncClient, endpoint: Endpoint, response: httpx.Response) -> NoReturn:
    """Raise the explanation for an unsuccessful response."""
    base_url, status = endpoint.base_url, response.status_code
    body = await _error_body(response)
    said = complaints.words(body)
    if status == 401:
        raise _KeyError(complaints.key_refused(base_url, given=bool(endpoint.api_key)))
    if status == 403:
        raise _KeyError(complaints.forbidden(base_url, said))
    if complaints.is_spent(status, body):
        raise EndpointError(complaints.spent(base_url))
    if status == 429:
        raise EndpointError(complaints.limited(base_url, response.headers.get("retry-after", "")))
    if 300 <= status < 400:
        raise _WrongPlaceError(complaints.no_endpoint(base_url, "it sends elsewhere"))
    names = await list_models(client, base_url, seconds=LIST_SECONDS) if status < 500 else []
    about_model = re.search(r"\bmodel\b", said, re.I) is not None
    if endpoint.model == ANY_MODEL and about_model:
        raise EndpointError(_name_it(endpoint))
    if (names and endpoint.model not in names) or (status == 404 and about_model):
        raise EndpointError(complaints.unknown_model(base_url, endpoint.model, names))
    if not names and (status in (404, 405, 501) or (status < 500 and not said)):
        raise _WrongPlaceError(complaints.no_endpoint(base_url, f"it answered {status}"))
    raise EndpointError(complaints.refused(base_url, status, said))


async def _error_body(response: httpx.Response) -> dict[str, Any]:
    try:
        return _json_object(await read(response))
    except ValueError:
        return {}
