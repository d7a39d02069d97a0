"""Simulated people who ask in many conversations at once; measures the response times."""

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

Ask = Callable[[int], Awaitable[None]]


@dataclass
class Measured:
    rate: float
    p50: float
    p99: float


async def measure(ask: Ask, conversations: int, turns: int) -> Measured:
    """Run a closed loop: each conversation asks its next question once it has an answer."""
    times: list[float] = []

    async def talk(number: int) -> None:
        for _ in range(turns):
            began = time.perf_counter()
            await ask(number)
            times.append(time.perf_counter() - began)

    gc.collect()
    began = time.perf_counter()
    await asyncio.gather(*(talk(number) for number in range(conversations)))
    seconds = time.perf_counter() - began
    times.sort()
    return Measured(len(times) / seconds, times[len(times) // 2], times[int(len(times) * 0.99)])
