"""Passes messages and edits to the bot. Discord never redelivers, so a failed attempt is retried until it succeeds."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Iterator

import structlog

from bot.adapter import Bot, NotClaimedError, Receipt
from bot.incoming import Incoming, Revision

_PAUSES = (0.5, 1.0, 2.0, 5.0, 15.0)

log = structlog.get_logger()


async def claim(bot: Bot, incoming: Incoming, late: Callable[[], None] = lambda: None) -> Receipt:
    """Pass on a message; returns once it is stored or ignored. `late` is then called if it was refused at first."""
    return await _until_it_holds(lambda: bot.receive(incoming), late)


async def revise(bot: Bot, revision: Revision) -> Receipt:
    """Pass on an edit or deletion; returns once it is stored or ignored."""
    return await _until_it_holds(lambda: bot.revise(revision), lambda: None)


def pauses() -> Iterator[float]:
    """Yield the seconds to wait before each retry, without end."""
    return itertools.chain(_PAUSES, itertools.repeat(_PAUSES[-1]))


async def _until_it_holds(take: Callable[[], Awaitable[Receipt]], late: Callable[[], None]) -> Receipt:
    for tries, pause in enumerate(pauses()):
        try:
            receipt = await take()
        except NotClaimedError as error:
            log.warning("message not stored", error=str(error), again_in=pause)
        else:
            if tries:
                late()
            return receipt
        await asyncio.sleep(pause)
    raise AssertionError("the pauses do not end")
