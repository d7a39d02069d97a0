"""Creating a thing once on a server that may not honour idempotency keys: look before it is asked for again."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from assistants.connector.errors import OutcomeUnknown

T = TypeVar("T")


async def once(
    create: Callable[[], Awaitable[T]], look_up: Callable[[], Awaitable[T | None]], *, attempts: int = 3
) -> T:
    """What `create` makes; after `OutcomeUnknown` what `look_up` finds, and only if that is nothing another try.

    The look-up mostly asks a list by metadata that the creating call sets, such as `runs.list(thread_id).find(tag)`.
    A request that is still under way at the server while the look-up is made is not found; on a thread, where only one
    run is active at a time, that ends in `ThreadLockedError` and not in a second run.
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
