"""What tests say to any simulator: faults, time, and `until` something can be seen."""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Any, Generic, Protocol, Self, TypeVar

import httpx

from tests.simulators.common.records import Fault


class Versioned(Protocol):
    """What can be seen of a simulator at one version."""

    version: int


S = TypeVar("S", bound=Versioned)


class People(Generic[S]):
    """A client of a simulator's control API under /sim."""

    def __init__(self, address: str, read: Callable[[dict[str, Any]], S], summary: Callable[[S], str]) -> None:
        self.address = address
        self._read = read
        self._summary = summary
        self._http = httpx.AsyncClient(base_url=address, timeout=60, trust_env=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def _do(self, action: str, **order: Any) -> Any:
        response = await self._http.post(f"/sim/{action}", json=order)
        if response.status_code == 400:
            raise LookupError(response.json()["error"])
        response.raise_for_status()
        return response.json()

    async def fault(self, method: str, **more: Any) -> None:
        """See `Fault`."""
        await self._do("faults", **Fault(method, **more).json())

    async def release(self) -> None:
        """Lets every held call go on."""
        await self._do("release")

    async def forget_failures(self) -> None:
        """For the test that provokes one."""
        await self._do("forget_failures")

    async def clock(self, *, rate: float | None = None, advance: float = 0) -> float:
        """Sets how fast the simulator's time goes (0 stands still), lets it jump; returns what it shows."""
        return float((await self._do("clock", rate=rate, advance=advance))["now"])

    async def settings(self, **settings: Any) -> None:
        await self._do("settings", **settings)

    async def state(self, **query: Any) -> S:
        response = await self._http.get("/sim/state", params=query)
        response.raise_for_status()
        return self._read(response.json())

    async def until(self, holds: Callable[[S], bool], *, seconds: float = 60) -> S:
        """Waits until something can be seen, told of every change; fails with what was there instead."""
        state = await self.state()
        try:
            async with asyncio.timeout(seconds):
                while not holds(state):
                    state = await self.state(after=state.version)
        except TimeoutError:
            raise AssertionError(f"It did not happen within {seconds:g} s. {self._summary(state)}") from None
        return state
