"""Creates an object exactly once, even on a server without idempotency keys, by looking before a retry."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from assistants.connector.errors import OutcomeUnknown

T = TypeVar("T")


async def once(
    create: Callable[[], Awaitable[T]], look_up: Callable[[], Awaitable[T | None]], *, attempts: int = 3
) -> T:
    """Return the result of `create`. After `OutcomeUnknown`, return what `look_up` finds, or retry if it finds nothing.

    The look-up usually searches a list by metadata that `create` sets, such as `runs.list(thread_id).find(tag)`. It
    misses a request that the server is still processing; on a thread, where only one run may be active, the retry then
    ends in `ThreadLockedError` rather than a second run.
    """
    for left in reversed(range(attempts)):
        try:
            return await create()
        except OutcomeUnknown:
            found = await look_up()
            if found is not None:
                return found
            if not left:
                raise
    raise ValueError("attempts must be at least 1")
