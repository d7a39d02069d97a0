"""Polls an object on the server until a condition holds or the deadline passes."""

import asyncio
import math
from asyncio import sleep
from collections.abc import Callable
from typing import TypeVar

from assistants.connector.errors import RequestTimeoutError
from assistants.connector.exchange import Exchange
from assistants.contract import Wire

W = TypeVar("W", bound=Wire)

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 2.0


async def poll(exchange: Exchange, model: type[W], path: str, *, until: Callable[[W], bool], deadline: float) -> W:
    """Return the object once `until` holds. Raises `RequestTimeoutError` after `deadline` seconds.

    Each pause follows the server's hint; without a hint the pauses grow.
    """
    clock = asyncio.get_running_loop().time
    end, pause, seen = clock() + deadline, 0.0, None
    try:
        async with asyncio.timeout(None) as limit:
            while True:
                response = await exchange.send("GET", path)
                seen = exchange.read(model, response)
                if until(seen):
                    return seen
                # Checked after the request, so that even a zero deadline polls once.
                limit.reschedule(end)
                hint = hinted(response.headers.get("openai-poll-after-ms"))
                pause = min(max(2 * pause, FIRST_PAUSE), LONGEST_PAUSE)
                await sleep(min(pause if hint is None else hint, max(end - clock(), 0.0)))
    except TimeoutError:
        if seen is None or not limit.expired():
            raise
        raise RequestTimeoutError(_late(seen, deadline)) from None


def hinted(header: str | None) -> float | None:
    """Return the seconds that the server asks to wait, if any."""
    try:
        seconds = float(header or "") / 1000
    except ValueError:
        return None
    return seconds if 0 < seconds < math.inf else None


def _late(seen: Wire, deadline: float) -> str:
    kind, id_, status = (getattr(seen, name, "") for name in ("object", "id", "status"))
    return (
        f"{kind.rpartition('.')[2].replace('_', ' ').capitalize()} {id_} is still {status} after {deadline:g} seconds."
    )
