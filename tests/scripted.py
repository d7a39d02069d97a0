"""The scripted model as a program of its own, which outlives a bot that is killed."""

import contextlib
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import httpx
from pydantic_core import to_jsonable_python

from assistants.service.scripted import ScriptedReply
from tests.processes import python


class Model:
    """What tests say to it. Without a script it answers `You said: …`."""

    def __init__(self, address: str) -> None:
        self._http = httpx.AsyncClient(base_url=address, timeout=60, trust_env=False)

    async def play(self, *replies: ScriptedReply) -> None:
        """Queues what it answers next."""
        response = await self._http.post("/script", json=to_jsonable_python([asdict(reply) for reply in replies]))
        response.raise_for_status()

    async def requests(self) -> list[dict[str, Any]]:
        """Everything it was asked so far."""
        found: list[dict[str, Any]] = (await self._http.get("/requests")).json()
        return found

    async def held(self) -> None:
        """Returns as soon as a reply is held."""
        (await self._http.get("/held")).raise_for_status()

    async def release(self) -> None:
        (await self._http.post("/release")).raise_for_status()

    async def aclose(self) -> None:
        await self._http.aclose()


def connecting(address: str) -> dict[str, str]:
    """The settings that connect the model at this address."""
    return {"MODEL_BASE_URL": f"{address}/v1", "MODEL_API_KEY": "sk-scripted", "MODEL": "scripted"}


@contextlib.contextmanager
def scripted_model() -> Iterator[str]:
    """Runs it; gives its address."""
    with python("assistants.service.scripted", "--port", "0") as process:
        yield process.line("http://").strip()
