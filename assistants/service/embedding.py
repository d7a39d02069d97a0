"""Embeds texts through an endpoint."""

from collections.abc import Sequence
from typing import Any, Protocol

import httpx

from assistants.service.completions import host, refusal
from assistants.service.endpoint_client import destination, http_client
from assistants.service.endpoints import Endpoint
from assistants.service.pieces import ModelError

PATIENCE = httpx.Timeout(60, connect=5, pool=None)


class Embedder(Protocol):
    """Turns texts into vectors. Vectors of the same `name` are comparable."""

    name: str

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return one vector per text. Raises `ModelError`."""
        ...

    async def aclose(self) -> None: ...


class EndpointEmbedder:
    """Embeds with the `/embeddings` route of an endpoint."""

    def __init__(self, endpoint: Endpoint, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self.name = endpoint.model
        self._endpoint = endpoint
        self._transport = transport
        self._client: httpx.AsyncClient | None = None

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        url, auth = destination(self._endpoint, "embeddings")
        body = {"model": self._endpoint.model, "input": list(texts), "encoding_format": "float"}
        if self._client is None:
            self._client = http_client(PATIENCE, self._transport)
        try:
            response = await self._client.post(url, json=body, auth=auth or httpx.USE_CLIENT_DEFAULT)
        except httpx.HTTPError:
            sentence = f"{host(self._endpoint)} returns no embeddings at the moment. Check that it is running."
            raise ModelError(sentence, retryable=True) from None
        if response.status_code != 200:
            raise refusal(response, self._endpoint)
        return _vectors(response, len(texts), self._endpoint)

    async def aclose(self) -> None:
        if self._client is not None:
            await self._client.aclose()


def _vectors(response: httpx.Response, count: int, endpoint: Endpoint) -> list[list[float]]:
    try:
        data: list[dict[str, Any]] = sorted(response.json()["data"], key=lambda each: each["index"])
        vectors = [[float(number) for number in each["embedding"]] for each in data]
    except (ValueError, KeyError, TypeError):
        vectors = []
    if len(vectors) != count or len({len(vector) for vector in vectors}) != 1 or not vectors[0]:
        raise ModelError(f"What {host(endpoint)} sends as embeddings are none.")
    return vectors
