"""What tests say to any simulator: things go wrong, and `until` waits for what should be seen."""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

import httpx
from httpx_aiohttp import AiohttpTransport

from tests.simulators.common.records import State

StateT = TypeVar("StateT", bound=State)


class People(Generic[StateT]):
    """The people of a simulated platform, and a view of everything in it."""

    def __init__(self, address: str, shape: type[StateT]) -> None:
        self.address = address
        self._shape = shape
        self._http = httpx.AsyncClient(base_url=address, timeout=60, trust_env=False, transport=AiohttpTransport())

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
        """See the simulator's `Fault`."""
        await self._do("faults", method=method, **more)

    async def forget_failures(self) -> None:
        """For the test that provokes one."""
        await self._do("forget_failures")

    async def forget_faults(self) -> None:
        """What has not gone wrong yet will not."""
        await self._do("forget_faults")

    async def release(self) -> None:
        """Lets every held call go on."""
        await self._do("release")

    async def clock(self, *, rate: float | None = None, advance: float = 0) -> float:
        """Sets how fast the simulator's time goes (0 stands still), lets it jump; returns what it shows."""
        return float((await self._do("clock", rate=rate, advance=advance))["now"])

    async def settings(self, **settings: Any) -> None:
        await self._do("settings", **settings)

    async def state(self, **query: Any) -> StateT:
        response = await self._http.get("/sim/state", params=query)
        response.raise_for_status()
        return self._shape.of(response.json())

    async def until(self, holds: Callable[[StateT], bool], *, seconds: float = 60) -> StateT:
        """Waits until something can be seen, told of every change; fails with what was there instead."""
        state = await self.state()
        try:
            async with asyncio.timeout(seconds):
                while not holds(state):
                    state = await self.state(after=state.version)
        except TimeoutError:
            raise AssertionError(f"It did not happen within {seconds:g} s. {state.summary()}") from None
        return state
