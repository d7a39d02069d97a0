"""What happened in a simulator, what shall go wrong in it, and a bell that rings at every change."""

import asyncio

from tests.simulators.common.clock import Clock
from tests.simulators.common.records import Call, Fault


class Ledger:
    """`failures` are things that must not happen: tests assert that there are none."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.calls: list[Call] = []
        self.faults: list[Fault] = []
        self.failures: list[str] = []
        self.version = 0
        self._released = asyncio.Event()
        self._bell = asyncio.Condition()

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
        self.failures.append(sentence)
        await self.changed()

    def fault(self, method: str) -> Fault | None:
        """The fault this call meets, used up by meeting it."""
        for fault in self.faults:
            if fault.method == method and fault.times > 0:
                fault.times -= 1
                return fault
        return None

    async def delay(self, fault: Fault | None) -> None:
        """Waits as long as the fault wants."""
        if fault is not None and fault.hold:
            await self._released.wait()
        if fault is not None and fault.slow:
            await self.clock.sleep(fault.slow)

    def release(self) -> None:
        """Lets every held call go on."""
        self._released.set()
        self._released = asyncio.Event()
