"""Documents that people sent long ago and that the server has put away: the conversation goes on without them."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import structlog

from assistants.connector import AssistantsClient, AssistantsError, NotFoundError

T = TypeVar("T")

log = structlog.get_logger()


async def let_go(client: AssistantsClient, thread_id: str) -> bool:
    """Take the vector stores that have expired out of a thread, whose runs they fail; whether there were any."""
    try:
        resources = (await client.threads.retrieve(thread_id)).tool_resources
        if resources is None or resources.file_search is None:
            return False
        stores = await _there(client.vector_stores.retrieve, resources.file_search.vector_store_ids)
        kept = [store.id for store in stores if store.status != "expired"]
        if len(kept) == len(stores):
            return False
        # What is given replaces all there was, and may name nothing that is gone.
        code = resources.code_interpreter
        files = await _there(client.files.retrieve, code.file_ids if code else [])
        said = {
            "file_search": {"vector_store_ids": kept},
            "code_interpreter": {"file_ids": [file.id for file in files]},
        }
        await client.threads.modify(thread_id, tool_resources=said)
    except AssistantsError as error:
        log.warning("what was put away stays in the thread", thread=thread_id, error=str(error))
        return False
    return True


async def _there(retrieve: Callable[[str], Awaitable[T]], ids: Sequence[str]) -> list[T]:
    """Those that the server still has."""

    async def found(id_: str) -> list[T]:
        try:
            return [await retrieve(id_)]
        except NotFoundError:
            return []

    return [each for some in await asyncio.gather(*map(found, ids)) for each in some]
