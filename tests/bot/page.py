"""The page's API as tests use it: what a browser would send, and waiting without sleeping."""

import contextlib
import json
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Self

import httpx
from httpx_sse import EventSource, aconnect_sse

from adapters.console.whole import Whole

JSON = dict[str, Any]


class Page:
    """One person at the page of a running program."""

    def __init__(self, url: str) -> None:
        self._http = httpx.AsyncClient(base_url=url, timeout=60, trust_env=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def say(self, key: str, text: str, *, event: str | None = None, files: Sequence[JSON] = ()) -> JSON:
        body = {"event": event or str(uuid.uuid4()), "text": text, "files": list(files)}
        response = await self._http.post(f"/chat/api/conversations/{key}/messages", json=body)
        response.raise_for_status()
        answer: JSON = response.json()
        return answer

    async def attach(self, name: str, data: bytes) -> JSON:
        """A file on its way to a message, as the page is told of it."""
        kind = {"content-type": "application/octet-stream"}
        response = await self._http.post("/chat/api/files", params={"name": name}, content=data, headers=kind)
        response.raise_for_status()
        file: JSON = response.json()
        return file

    async def exchanges(self, key: str) -> list[JSON]:
        response = await self._http.get(f"/chat/api/conversations/{key}")
        response.raise_for_status()
        found: list[JSON] = response.json()["exchanges"]
        return found

    async def rename(self, key: str, title: str) -> httpx.Response:
        return await self._http.patch(f"/chat/api/conversations/{key}", json={"title": title})

    async def delete(self, key: str) -> httpx.Response:
        return await self._http.delete(f"/chat/api/conversations/{key}")

    async def titles(self) -> dict[str, str]:
        """The conversations that are listed, by their keys."""
        response = await self._http.get("/chat/api/conversations")
        return {each["key"]: each["title"] for each in response.json()["conversations"]}

    async def connect(self, base_url: str, model: str, api_key: str = "sk-page") -> httpx.Response:
        body = {"base_url": base_url, "api_key": api_key, "model": model}
        return await self._http.post("/chat/api/models/connect", json=body)

    async def file(self, file_id: str) -> httpx.Response:
        return await self._http.get(f"/chat/api/files/{file_id}")

    @contextlib.asynccontextmanager
    async def events(self, key: str) -> AsyncIterator[AsyncIterator[tuple[str, JSON]]]:
        """What is told; of a reply that grows all of it each time."""
        async with aconnect_sse(self._http, "GET", f"/chat/api/conversations/{key}/events") as source:
            yield _told(source)

    async def until(self, key: str, holds: Callable[[list[JSON]], bool]) -> list[JSON]:
        """The exchanges of a conversation as soon as something holds of them; asks again whenever something happens."""
        async with self.events(key) as events:
            async for _ in events:
                if holds(found := await self.exchanges(key)):
                    return found
        raise AssertionError("the program ended before that")

    async def answers(self, key: str, count: int) -> list[str]:
        """The texts of a conversation's answers, once there are so many."""
        found = await self.until(key, lambda now: sum(e["state"] in ("answered", "failed") for e in now) >= count)
        return [said(exchange) for exchange in found]


def said(exchange: JSON) -> str:
    return "\n".join(s.get("markdown") or s.get("text", "") for s in exchange["answer"])


async def _told(source: EventSource) -> AsyncIterator[tuple[str, JSON]]:
    whole = Whole()
    async for event in source.aiter_sse():
        if not event.data:
            continue
        data: JSON = json.loads(event.data)
        if data.get("kind") == "snapshot":
            data["segments"] = whole.segments(data["segments"])
        yield event.event, data
