"""What an app did and what shall go wrong with it, on a clock of its own, and a bell that rings at every change."""

import asyncio
from typing import Generic, TypeVar

from tests.simulators.common.clock import Clock
from tests.simulators.common.records import Call, Fault

FaultT = TypeVar("FaultT", bound=Fault)


class Ledger(Generic[FaultT]):
    """The part of a simulated world that is the same on every platform."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.calls: list[Call] = []
        self.faults: list[FaultT] = []
        self.failures: list[str] = []
        self.sockets = 0
        self.version = 0
        self._released = asyncio.Event()
        self._bell = asyncio.Condition()

    def now(self) -> float:
        """Seconds since it started, on its clock."""
        return self.clock.now()

    async def changed(self) -> None:
        self.version += 1
        async with self._bell:
            self._bell.notify_all()

    async def after(self, version: int, seconds: float) -> None:
        """Returns when something changed after `version`, or when the time is up."""
        async with self._bell:
            try:
                async with asyncio.timeout(seconds):
                    await self._bell.wait_for(lambda: self.version > version)
            except TimeoutError:
                return

    async def fail(self, sentence: str) -> None:
        """Something that must not happen: tests assert that there is nothing of this kind."""
        self.failures.append(sentence)
        await self.changed()

    def fault(self, method: str) -> FaultT | None:
        """The fault this call meets, used up by meeting it."""
        for fault in self.faults:
            if fault.method == method and fault.times > 0:
                fault.times -= 1
                return fault
        return None

    async def meet(self, method: str) -> FaultT | None:
        """The fault this call meets; returns once it is let go on."""
        fault = self.fault(method)
        if fault is not None and fault.hold:
            await self.changed()
            await self._released.wait()
        if fault is not None and fault.slow:
            await self.clock.sleep(fault.slow)
        return fault

    def release(self) -> None:
        """Lets every held call go on."""
        self._released.set()
        self._released = asyncio.Event()
