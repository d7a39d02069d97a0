"""Finds model servers running on this machine by their model lists."""

import asyncio
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

import httpx

PORTS: Mapping[str, int] = {"Ollama": 11434, "LM Studio": 1234, "llama.cpp": 8080}
SECONDS = 0.3
BODY_LIMIT = 1 << 20

_EMBEDDERS = re.compile(r"embed|rerank|minilm|(?:^|[^a-z0-9])(?:bge|e5|gte|colbert|paraphrase)(?:[^a-z0-9]|$)", re.I)


@dataclass(frozen=True, slots=True)
class Found:
    """A model server on loopback, with the chat models it lists."""

    name: str
    base_url: str
    models: tuple[str, ...]


async def discover(*, ports: Mapping[str, int] = PORTS, seconds: float = SECONDS) -> list[Found]:
    """Return the servers of `ports` (name to loopback port) that list a chat model in time, in order."""
    # Loopback is neither encrypted nor behind a proxy. Skipping certificates saves the time to load them.
    async with httpx.AsyncClient(trust_env=False, verify=False, timeout=None) as client:  # noqa: S113, S501
        found = await asyncio.gather(*(_ask(client, name, port, seconds) for name, port in ports.items()))
    return [server for server in found if server is not None]


async def list_models(client: httpx.AsyncClient, base_url: str, *, seconds: float) -> list[str]:
    """Return the chat models that `base_url` lists; none without a valid list in time."""
    try:
        async with asyncio.timeout(seconds), client.stream("GET", f"{base_url}/models") as response:
            return chat_models(json.loads(await read(response))) if response.status_code == 200 else []
    except (httpx.HTTPError, ValueError, RecursionError, TimeoutError):
        return []


def chat_models(payload: object) -> list[str]:
    """Return the names in an OpenAI model list, without embedding models; none for anything else."""
    if not isinstance(payload, dict) or payload.get("object") != "list" or not isinstance(payload.get("data"), list):
        return []
    ids = [entry.get("id") if isinstance(entry, dict) else None for entry in payload["data"]]
    names = [name for name in ids if isinstance(name, str) and name]
    return [name for name in names if not _EMBEDDERS.search(name)] if len(names) == len(ids) else []


async def read(response: httpx.Response) -> bytes:
    """Return the body, since anything may be listening there. Raises `ValueError` above `BODY_LIMIT` bytes."""
    body = bytearray()
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) > BODY_LIMIT:
            raise ValueError("the body is too long")
    return bytes(body)


async def _ask(client: httpx.AsyncClient, name: str, port: int, seconds: float) -> Found | None:
    base_url = f"http://127.0.0.1:{port}/v1"
    models = await list_models(client, base_url, seconds=seconds)
    return Found(name, base_url, tuple(models)) if models else None
