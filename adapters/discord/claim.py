"""Has a message claimed. Discord does not send again what was not taken, so the claim is tried until it holds."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Iterator

import structlog

from bot.adapter import Bot, NotClaimedError, Receipt
from bot.incoming import Incoming, Revision

_PAUSES = (0.5, 1.0, 2.0, 5.0, 15.0)

log = structlog.get_logger()


async def claim(bot: Bot, incoming: Incoming) -> Receipt:
    """Returns once the message is durable, or not ours."""
    return await _until_it_holds(lambda: bot.receive(incoming))


async def revise(bot: Bot, revision: Revision) -> Receipt:
    """Returns once the edit or deletion is durable, or is none of a message that waits."""
    return await _until_it_holds(lambda: bot.revise(revision))


def pauses() -> Iterator[float]:
    """Before each next try of what has to be done some time; without end."""
    return itertools.chain(_PAUSES, itertools.repeat(_PAUSES[-1]))


async def _until_it_holds(take: Callable[[], Awaitable[Receipt]]) -> Receipt:
    for pause in pauses():
        try:
            return await take()
        except NotClaimedError as error:
            log.warning("message not claimed", error=str(error), again_in=pause)
        await asyncio.sleep(pause)
    raise AssertionError("the pauses do not end")
